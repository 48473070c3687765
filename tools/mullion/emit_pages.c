/*
 * Prints the pages a partition reads at start: the info page (abi.h) and the PVH start page.
 *
 * The start page follows Xen's public/arch-x86/hvm/start_info.h, version 1: no modules, no RSDP,
 * memory as a map of RAM entries.
 */
#include "emit.h"

#include <string.h>

static void emit_region(FILE *out, const struct mullion_region *region)
{
	fprintf(out,
		"\t\t\t{ .gpa = %#llx, .bytes = %llu, .kind = %u, .access = %u, .index = %u, "
		".peer = %u,\n\t\t\t  .message_bytes = %u, .depth = %u, .refresh_ns = %llu, "
		".name = \"%s\" },\n",
		(unsigned long long)region->gpa, (unsigned long long)region->bytes, region->kind,
		region->access, region->index, region->peer, region->message_bytes, region->depth,
		(unsigned long long)region->refresh_ns, region->name);
}

/* The first port of a granted 16550; 0: none. */
static unsigned granted_uart(const struct model *model, const struct model_partition *partition)
{
	size_t i;

	for (i = 0; i < partition->devices_count; i++) {
		const struct model_device *device = &model->devices[partition->devices[i]];

		if (device->is_port && device->compatible &&
			!strcmp(device->compatible, "ns16550a"))
			return (unsigned)device->reg.base;
	}
	return 0;
}

static void emit_info(FILE *out, const struct plan *plan, size_t p)
{
	const struct model_partition *partition = &plan->model->partitions[p];
	const struct layout_partition *placed = &plan->layout.partitions[p];
	size_t i;

	fprintf(out, "\t[%zu] = {\n\t\t.info = {\n\t\t\t.magic = MULLION_INFO_MAGIC,\n", p);
	fprintf(out, "\t\t\t.abi_version = MULLION_ABI_VERSION,\n\t\t\t.partition = %zu,\n", p);
	fprintf(out, "\t\t\t.vcpus = %u,\n\t\t\t.name = \"%.*s\",\n", placed->vcpus,
		(int)MULLION_NAME_BYTES - 1, partition->name);
	fprintf(out, "\t\t\t.memory_bytes = %#llx,\n", (unsigned long long)partition->memory_bytes);
	fprintf(out, "\t\t\t.tsc_hz_numerator = %lluull,\n\t\t\t.tsc_hz_denominator = %lluull,\n",
		(unsigned long long)plan->model->board.tsc_hz.numerator,
		(unsigned long long)plan->model->board.tsc_hz.denominator);
	fprintf(out, "\t\t\t.uart_port = %#x,\n", granted_uart(plan->model, partition));
	fprintf(out, "\t\t\t.regions_count = %zu,\n\t\t\t.flags = %s,\n\t\t},\n",
		placed->regions_count, partition->control ? "MULLION_INFO_CONTROL" : "0");
	fputs("\t\t.regions = {\n", out);
	for (i = 0; i < placed->regions_count; i++)
		emit_region(out, &placed->regions[i].info);
	fputs("\t\t},\n\t},\n", out);
}

static void emit_start(FILE *out, const struct plan *plan, size_t p)
{
	struct layout_piece pieces[2];
	const size_t count = layout_pieces(plan->layout.partitions[p].memory, pieces);
	const char *args = plan->model->partitions[p].args;
	size_t i;

	fprintf(out,
		"\t[%zu] = {\n\t\t.magic = 0x336ec578,\n\t\t.version = 1,\n"
		"\t\t.command_line_gpa = MULLION_START_GPA + offsetof(struct start_page, "
		"command_line),\n"
		"\t\t.memory_map_gpa = MULLION_START_GPA + offsetof(struct start_page, memory),\n"
		"\t\t.memory_map_count = %zu,\n\t\t.memory = {\n",
		p, count);
	for (i = 0; i < count; i++)
		fprintf(out, "\t\t\t{ .gpa = %#llx, .bytes = %#llx, .type = 1 },\n",
			(unsigned long long)pieces[i].gpa, (unsigned long long)pieces[i].bytes);
	fputs("\t\t},\n\t\t.command_line = ", out);
	emit_string(out, args ? args : "");
	fputs(",\n\t},\n", out);
}

static const char declarations[] =
	"\n/* Pages that partitions read: each fills its pages, so that nothing else is seen. */\n"
	"struct info_page {\n"
	"\tstruct mullion_info info;\n"
	"\tstruct mullion_region regions[MULLION_MAX_REGIONS];\n"
	"\tuint8_t rest[MULLION_INFO_BYTES - sizeof(struct mullion_info) -\n"
	"\t\tMULLION_MAX_REGIONS * sizeof(struct mullion_region)];\n"
	"};\n"
	"_Static_assert(sizeof(struct info_page) == MULLION_INFO_BYTES, \"info page size\");\n"
	"_Static_assert(offsetof(struct info_page, regions) == offsetof(struct mullion_info, "
	"regions),\n"
	"\t\"the regions follow the info\");\n\n"
	"struct start_page {\n"
	"\tuint32_t magic, version, flags, modules_count;\n"
	"\tuint64_t modules_gpa, command_line_gpa, rsdp_gpa, memory_map_gpa;\n"
	"\tuint32_t memory_map_count, reserved;\n"
	"\tstruct {\n"
	"\t\tuint64_t gpa, bytes;\n"
	"\t\tuint32_t type, reserved;\n"
	"\t} memory[2];\n"
	"\tchar command_line[1024];\n"
	"\tuint8_t rest[MULLION_PAGE_BYTES - 56 - 2 * 24 - 1024];\n"
	"};\n"
	"_Static_assert(sizeof(struct start_page) == MULLION_PAGE_BYTES, \"start page size\");\n";

void emit_pages(FILE *out, const struct plan *plan)
{
	size_t p;

	fputs(declarations, out);
	fputs("\nPAGES static const struct info_page info_pages[] = {\n", out);
	for (p = 0; p < plan->model->partitions_count; p++)
		emit_info(out, plan, p);
	fputs("};\n\nPAGES static const struct start_page start_pages[] = {\n", out);
	for (p = 0; p < plan->model->partitions_count; p++)
		emit_start(out, plan, p);
	fputs("};\n", out);
}
