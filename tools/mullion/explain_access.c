/*
 * Who may touch what: per partition its memory, shared pages, ports; for all the MSRs.
 *
 * Printed from the same layout and allow-lists that the tables come from: what is not listed exits,
 * and meets the partition's health actions.
 */
#include "explain.h"

#include <string.h>

#include "allocate.h"
#include "bitmap.h"

static char *region_text(const struct plan *plan, const struct mullion_region *region)
{
	const char *peer = plan->model->partitions[region->peer].name;

	switch (region->kind) {
	case MULLION_REGION_TIME:
		return format("time page of vcpu %u", region->index);
	case MULLION_REGION_CONSOLE:
		return format("console of %s", region->name);
	case MULLION_REGION_LOG:
		return format("the kernel's log");
	case MULLION_REGION_TRACE:
		return format("trace of CPU %u",
			plan->model->cpus[plan->layout.cpus[region->index]].number);
	case MULLION_REGION_SAMPLING:
		return format("sampling channel %s, %s %s", region->name,
			region->access & MULLION_WRITE ? "to" : "from", peer);
	case MULLION_REGION_QUEUING:
		return format("queuing channel %s, messages %s %s", region->name,
			region->access & MULLION_WRITE ? "to" : "from", peer);
	case MULLION_REGION_STATUS:
		return format("how %s is doing", region->name);
	case MULLION_REGION_NODE:
		return format("how the node is doing");
	case MULLION_REGION_WATCHDOG:
		return format("its watchdog");
	case MULLION_REGION_EXCHANGE:
		return format("memory of stopped partitions, a block at a time");
	case MULLION_REGION_JOURNAL:
		return format("journal of health events");
	case MULLION_REGION_CHANNEL:
		return format("channel %s, messages of %s", region->name, peer);
	case MULLION_REGION_CHANNEL_READER:
		return format("channel %s, read position of %s", region->name, peer);
	case MULLION_REGION_LOCKS:
		return format("what the lock service is told");
	case MULLION_REGION_RDMA:
		return format("what this RDMA service is told");
	case MULLION_REGION_AREA:
		return format("area %s, %s %s", region->name,
			region->access & MULLION_WRITE ? "read by" : "written by", peer);
	default:
		return format("queuing channel %s, read position, %s", region->name, peer);
	}
}

static void print_memory(FILE *out, const struct layout_partition *partition)
{
	struct layout_piece pieces[2];
	const size_t count = layout_pieces(partition->memory, pieces);
	size_t i;

	for (i = 0; i < count; i++)
		fprintf(out, "  memory  %#12llx  %-9s rwx  physical %#llx\n",
			(unsigned long long)pieces[i].gpa, explain_bytes(pieces[i].bytes),
			(unsigned long long)pieces[i].physical);
}

static void print_regions(FILE *out, const struct plan *plan, size_t p)
{
	const struct layout_partition *partition = &plan->layout.partitions[p];
	size_t i;

	fprintf(out, "  pages   %#12llx  %-9s r--  info page\n", MULLION_INFO_GPA,
		explain_bytes(MULLION_INFO_BYTES));
	fprintf(out, "  pages   %#12llx  %-9s r--  start page\n", MULLION_START_GPA,
		explain_bytes(MULLION_PAGE_BYTES));
	for (i = 0; i < partition->regions_count; i++) {
		const struct mullion_region *region = &partition->regions[i].info;

		fprintf(out, "  pages   %#12llx  %-9s %s  %s\n", (unsigned long long)region->gpa,
			explain_bytes(region->bytes),
			region->access & MULLION_WRITE ? "rw-" : "r--", region_text(plan, region));
	}
}

static void print_ports(FILE *out, const struct model *model, size_t p)
{
	const struct model_partition *partition = &model->partitions[p];
	size_t i, printed = 0;

	for (i = 0; i < partition->devices_count; i++) {
		const struct model_device *device = &model->devices[partition->devices[i]];

		if (!device->is_port)
			continue;
		fprintf(out, "  ports   %#12llx  %-9llu rw-  %s\n",
			(unsigned long long)device->reg.base, (unsigned long long)device->reg.bytes,
			device->name);
		printed++;
	}
	if (!printed)
		fputs("  ports           none\n", out);
}

static void print_msrs(FILE *out, const char *title, bool writable)
{
	size_t i, column = strlen(title);

	fputs(title, out);
	for (i = 0; i < bitmap_msrs_count; i++) {
		const bool write = bitmap_msrs[i].access & MULLION_WRITE;

		if (write != writable)
			continue;
		if (column + strlen(bitmap_msrs[i].name) > 96)
			column = (size_t)fprintf(out, "\n%18s", "") - 1;
		column += (size_t)fprintf(out, " %s", bitmap_msrs[i].name);
	}
	fputc('\n', out);
}

void explain_access(FILE *out, const struct plan *plan)
{
	size_t p;

	explain_title(out, "Who may touch what, without an exit");
	for (p = 0; p < plan->model->partitions_count; p++) {
		fprintf(out, "%s\n", plan->model->partitions[p].name);
		print_memory(out, &plan->layout.partitions[p]);
		print_regions(out, plan, p);
		print_ports(out, plan->model, p);
	}
	fputs("all partitions\n", out);
	print_msrs(out, "  MSRs    read    ", false);
	print_msrs(out, "          r+w     ", true);
	fputs("  Everything else exits. The kernel itself maps no partition's memory but the pages "
	      "it shares,\n  and, read-only, the memory of the partition whose exit it is serving; "
	      "a partition that does\n  not run, all it may write, while a step of its restart "
	      "lasts.\n",
		out);
}
