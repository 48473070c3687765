/*
 * What the description says of the streams: which CPU a partition's vcpu runs on, and the bounds
 * its author stated. Read from the system.json that `mullion build` writes beside an image.
 */
#include <errno.h>
#include <string.h>

#include "jitter.h"

static void take_bounds(struct jitter_report *report, const char *partition, json_t *bounds)
{
	const char *stream;
	json_t *limit;

	json_object_foreach(bounds, stream, limit)
	{
		struct jitter_bound *bound = jitter_add_bound(report, partition, stream);

		bound->has_limit = true;
		bound->ns = (uint64_t)json_integer_value(limit);
	}
}

int jitter_read_system(struct jitter_report *report, const char *path)
{
	json_error_t error;
	json_t *partition;
	size_t i;

	report->system = json_load_file(path, 0, &error);
	if (!report->system) {
		fprintf(stderr, "%s: %s:%d:%d: %s\n", program_invocation_name, path, error.line,
			error.column, error.text);
		return -1;
	}
	if (!json_is_array(json_object_get(report->system, "partitions"))) {
		fprintf(stderr,
			"%s: %s: it has no \"partitions\": is it the system.json of "
			"`mullion build`?\n",
			program_invocation_name, path);
		return -1;
	}
	json_array_foreach(json_object_get(report->system, "partitions"), i, partition)
	{
		const char *name = json_string_value(json_object_get(partition, "name"));

		if (name)
			take_bounds(report, name, json_object_get(partition, "bounds"));
	}
	return 0;
}

/* A vcpu names its partition, or gives its index in "partitions". */
static const char *partition_of(const struct jitter_report *report, const json_t *vcpu)
{
	const json_t *item = json_object_get(vcpu, "partition");
	json_t *partitions = json_object_get(report->system, "partitions");

	if (json_is_integer(item))
		item = json_object_get(
			json_array_get(partitions, (size_t)json_integer_value(item)), "name");
	return json_string_value(item);
}

int jitter_system_cpu(const struct jitter_report *report, const char *partition, unsigned vcpu)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(report->system, "vcpus"), i, item)
	{
		const char *name = partition_of(report, item);
		const json_t *cpu = json_object_get(item, "cpu");

		if (name && !strcmp(name, partition) && json_is_integer(cpu) &&
			json_integer_value(json_object_get(item, "index")) == (json_int_t)vcpu)
			return (int)json_integer_value(cpu);
	}
	return -1;
}

const char *jitter_system_vcpu_partition(const struct jitter_report *report, unsigned vcpu)
{
	return partition_of(report, json_array_get(json_object_get(report->system, "vcpus"), vcpu));
}
