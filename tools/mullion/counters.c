/*
 * See counters.h. What comes from a node is bounded here, whatever it says.
 */
#include "counters.h"

#include <stdio.h>
#include <string.h>

#include "session.h"

static void take_name(char *name, size_t bytes, const char *text)
{
	size_t i;

	(void)snprintf(name, bytes, "%s", text);
	for (i = 0; name[i]; i++)
		if ((unsigned char)name[i] < ' ' || (unsigned char)name[i] > '~')
			name[i] = '?';
}

static uint64_t number_at(const json_t *array, size_t index)
{
	const json_t *value = json_array_get(array, index);

	return json_is_integer(value) && json_integer_value(value) < 0 ? 0 : session_value(value);
}

static struct counters_partition *find(struct counters *counters, const char *name)
{
	size_t i;

	for (i = 0; i < counters->count; i++)
		if (!strcmp(counters->partitions[i].name, name))
			return &counters->partitions[i];
	if (counters->count == COUNTERS_PARTITIONS)
		return NULL;
	counters->partitions[counters->count] = (struct counters_partition){ 0 };
	return &counters->partitions[counters->count++];
}

static void take_vcpus(struct counters_partition *partition, uint64_t first, const json_t *vcpus)
{
	json_t *vcpu;
	size_t i;

	json_array_foreach(vcpus, i, vcpu)
	{
		if (first + i >= MULLION_STATUS_VCPUS)
			return;
		partition->vcpu[first + i] = (struct mullion_vcpu_status){ number_at(vcpu, 0),
			number_at(vcpu, 1), number_at(vcpu, 2), number_at(vcpu, 3) };
		if (partition->vcpus <= first + i)
			partition->vcpus = (unsigned)(first + i) + 1;
	}
}

/* A partition with many vcpus comes in several pieces. */
static void take_partition(struct counters *counters, const json_t *item)
{
	struct counters_partition *partition;
	char name[MULLION_NAME_BYTES];
	size_t i;

	take_name(name, sizeof(name), session_text(item, "name"));
	partition = find(counters, name);
	if (!partition)
		return;
	memcpy(partition->name, name, sizeof(name));
	take_name(partition->state, sizeof(partition->state), session_text(item, "state"));
	partition->restarts = (uint64_t)session_number(item, "restarts");
	for (i = 0; i < 16; i++)
		partition->events[i] = number_at(json_object_get(item, "events"), i);
	take_vcpus(
		partition, (uint64_t)session_number(item, "first"), json_object_get(item, "vcpus"));
}

bool counters_take(struct counters *counters, const json_t *answer)
{
	const json_t *partitions = json_object_get(answer, "partitions");
	json_t *item;
	size_t i;

	*counters = (struct counters){ .now = (uint64_t)session_number(answer, "now") };
	take_name(counters->schedule, sizeof(counters->schedule), session_text(answer, "schedule"));
	json_array_foreach(partitions, i, item) take_partition(counters, item);
	return counters->now && json_is_array(partitions);
}

void counters_take_cpus(struct counters_node *node, const json_t *answer)
{
	json_t *item, *vcpu;
	size_t i, k;

	json_array_foreach(json_object_get(answer, "cpus"), i, item)
	{
		const uint64_t cpu = (uint64_t)session_number(item, "cpu");

		if (cpu >= COUNTERS_CPUS)
			continue;
		if (node->cpus <= cpu)
			node->cpus = cpu + 1;
		node->owned[cpu] = !strcmp(session_text(item, "mode"), "owned");
		json_array_foreach(json_object_get(item, "vcpus"), k, vcpu)
		{
			if (json_is_string(vcpu))
				json_object_set_new(node->where, json_string_value(vcpu),
					json_integer((json_int_t)cpu));
		}
	}
}

/* ---- Rates ---- */

static const struct counters_partition *known(const struct counters *counters, const char *name)
{
	size_t i;

	for (i = 0; i < counters->count; i++)
		if (!strcmp(counters->partitions[i].name, name))
			return &counters->partitions[i];
	return NULL;
}

/* What the description gives a partition on a CPU, of the frame; negative: it does not say. */
static double described(const struct counters_node *node, const struct counters *counters, int cpu,
	const char *partition)
{
	json_t *schedule, *item, *share;
	size_t i, k, n;

	json_array_foreach(json_object_get(node->system, "schedules"), i, schedule)
	{
		const double frame = (double)session_number(schedule, "major_frame_ns");

		if (strcmp(session_text(schedule, "name"), counters->schedule) || !(frame > 0))
			continue;
		json_array_foreach(json_object_get(schedule, "cpus"), k, item)
		{
			if (session_number(item, "cpu") != cpu)
				continue;
			json_array_foreach(json_object_get(item, "shares"), n, share)
			{
				if (!strcmp(session_text(share, "partition"), partition))
					return (double)session_number(share, "time_ns") / frame;
			}
			return 0;
		}
	}
	return -1;
}

static int cpu_of(const struct counters_node *node, const char *partition, unsigned vcpu)
{
	char key[MULLION_NAME_BYTES + 16];
	const json_t *cpu;

	(void)snprintf(key, sizeof(key), "%s/%u", partition, vcpu);
	cpu = json_object_get(node->where, key);
	return cpu ? (int)json_integer_value(cpu) : -1;
}

static double difference(uint64_t before, uint64_t after)
{
	return after > before ? (double)(after - before) : 0;
}

struct counters_rate counters_rate(const struct counters_node *node, const struct counters *before,
	const struct counters *after, size_t p, unsigned vcpu)
{
	const struct counters_partition *partition = &after->partitions[p];
	const struct counters_partition *earlier = known(before, partition->name);
	const struct mullion_vcpu_status *to = &partition->vcpu[vcpu];
	const struct mullion_vcpu_status *from = earlier ? &earlier->vcpu[vcpu] : to;
	const double ticks = difference(before->now, after->now);
	const double seconds =
		ticks * (double)node->clock.denominator / (double)node->clock.numerator;
	struct counters_rate rate = { .cpu = cpu_of(node, partition->name, vcpu),
		.latest_ns = node_ns(node->clock, to->latest_start) };
	const bool owned = rate.cpu >= 0 && node->owned[rate.cpu];

	rate.window = owned ? 1 : described(node, after, rate.cpu, partition->name);
	if (!(ticks > 0))
		return rate;
	rate.used = difference(from->ran, to->ran) / ticks;
	/* An owned CPU is its partition's whether it works or halts: nobody counts there. */
	if (owned)
		rate.used = !strcmp(partition->state, "running");
	rate.windows = difference(from->entered, to->entered) / seconds;
	rate.exits = difference(from->exits, to->exits) / seconds;
	return rate;
}
