/*
 * The access matrix and the findings as JSON.
 */
#include "audit_devices.h"

#include <elf.h>
#include <jansson.h>

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

/* Kernel addresses have their top bit set, so all addresses are texts. */
static json_t *address(uint64_t value)
{
	return json_sprintf("%#llx", (unsigned long long)value);
}

json_t *audit_json_mapping(const struct audit_mapping *at, const char *address_name)
{
	return json_pack("{s:o, s:o, s:o, s:s, s:b}", address_name, address(at->virtual),
		"physical", address(at->physical), "bytes", number(at->bytes), "rights",
		audit_rights(at->rights), "uncached", (at->rights & AUDIT_UNCACHED) != 0);
}

static json_t *memory_json(const struct audit *audit, unsigned p)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < audit->claims_count; i++) {
		json_t *item;

		if (audit->claims[i].partition != p)
			continue;
		item = audit_json_mapping(&audit->claims[i].at, "gpa");
		json_object_set_new(item, "what", json_string(audit->claims[i].what));
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *ports_json(const struct audit_partition *partition)
{
	json_t *list = json_array();
	uint32_t port = 0, end;

	while (partition->io_bitmap && port < 0x10000) {
		for (end = port; end < 0x10000 && audit_port_open(partition->io_bitmap, end); end++)
			;
		if (end > port)
			json_array_append_new(list, json_pack("{s:o, s:o}", "first", number(port),
							    "count", number(end - port)));
		port = end + 1;
	}
	return list;
}

static json_t *msrs_json(const struct audit_partition *partition)
{
	json_t *list = json_array();
	uint32_t msr;

	for (msr = 0; partition->msr_bitmap && msr < AUDIT_MSRS; msr++) {
		const bool read = audit_msr_open(partition->msr_bitmap, msr, false);
		const bool write = audit_msr_open(partition->msr_bitmap, msr, true);

		if (read || write)
			json_array_append_new(
				list, json_pack("{s:o, s:b, s:b}", "msr", number(audit_msr(msr)),
					      "read", read, "write", write));
	}
	return list;
}

static json_t *vcpus_json(const struct audit *audit, unsigned p)
{
	json_t *list = json_array();
	unsigned v;

	for (v = 0; v < audit->system->vcpus_count; v++) {
		const struct mullion_vcpu *vcpu = &audit->vcpus[v];
		const bool owned = vcpu->mode == MULLION_CPU_OWNED;

		if (vcpu->partition == p)
			json_array_append_new(
				list, json_pack("{s:i, s:i, s:i, s:s, s:s}", "index",
					      (int)vcpu->index, "cpu", (int)vcpu->cpu, "apic_id",
					      (int)audit->cpus[vcpu->cpu].hardware_id, "mode",
					      owned ? "owned" : "framed", "vectors",
					      owned ? "physical" : "virtual"));
	}
	return list;
}

static json_t *map_json(const struct audit_map *map)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < map->count; i++)
		json_array_append_new(list, audit_json_mapping(&map->items[i], "virtual"));
	return list;
}

static json_t *partitions_json(const struct audit *audit)
{
	json_t *list = json_array();
	unsigned p;

	for (p = 0; p < audit->system->partitions_count; p++) {
		const struct audit_partition *partition = &audit->partitions[p];

		json_array_append_new(
			list, json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
				      partition->name, "asid", (int)partition->arch->asid, "memory",
				      memory_json(audit, p), "ports", ports_json(partition), "msrs",
				      msrs_json(partition), "vcpus", vcpus_json(audit, p),
				      "functions", audit_json_functions(audit, (int)p), "peek",
				      map_json(&partition->peek), "restore",
				      map_json(&partition->restore)));
	}
	return list;
}

static json_t *segments_json(const struct audit *audit)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < audit->image.segments_count; i++) {
		const struct audit_segment *segment = &audit->image.segments[i];

		json_array_append_new(
			list, json_pack("{s:o, s:o, s:b, s:b, s:s, s:s}", "physical",
				      address(segment->base), "bytes", number(segment->bytes),
				      "write", (segment->flags & PF_W) != 0, "execute",
				      (segment->flags & PF_X) != 0, "sha256", audit_hash(segment),
				      "begins_with", audit_physical_name(audit, segment->base)));
	}
	return list;
}

static json_t *findings_json(const struct report *report)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < report->count; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s}", "rule", report->findings[i].rule,
				      "sentence", report->findings[i].sentence, "repair",
				      report->findings[i].repair));
	return list;
}

/* An image that could not be opened has findings, and no matrix. */
void audit_print_json(FILE *out, struct audit *audit)
{
	json_t *root =
		json_pack("{s:s, s:b}", "image", audit->path, "good", audit->report.count == 0);

	report_sort(&audit->report);
	json_object_set_new(root, "findings", findings_json(&audit->report));
	if (audit->kernel.root) {
		json_object_set_new(root, "deployment", json_string(audit->name));
		json_object_set_new(root, "board", json_string(audit->board));
		json_object_set_new(root, "page_tables", number(audit->tables_count));
		json_object_set_new(root, "partitions", partitions_json(audit));
		json_object_set_new(root, "unowned_functions", audit_json_functions(audit, -1));
		json_object_set_new(root, "iommus", audit_json_units(audit));
		json_object_set_new(root, "kernel", map_json(&audit->kernel));
		json_object_set_new(root, "segments", segments_json(audit));
	}
	json_dumpf(root, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(root);
}
