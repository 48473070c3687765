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
	size_t i, c;

	json_array_foreach(vcpus, i, vcpu)
	{
		if (first + i >= MULLION_STATUS_VCPUS)
			return;
		partition->vcpu[first + i] = (struct mullion_vcpu_status){ number_at(vcpu, 0),
			number_at(vcpu, 1), number_at(vcpu, 2), number_at(vcpu, 3) };
		for (c = 0; c < CAUSES; c++)
			partition->exits[first + i][c] = number_at(json_array_get(vcpu, 4), c);
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

static void take_port(struct counters *counters, const json_t *item)
{
	struct counters_port *port = &counters->ports[counters->ports_count];

	if (counters->ports_count == COUNTERS_PORTS)
		return;
	counters->ports_count++;
	take_name(port->name, sizeof(port->name), session_text(item, "name"));
	take_name(port->from, sizeof(port->from), session_text(item, "from"));
	take_name(port->to, sizeof(port->to), session_text(item, "to"));
	port->bytes = (uint64_t)session_number(item, "bytes");
	port->depth = (uint64_t)session_number(item, "depth");
	port->written = (uint64_t)session_number(item, port->depth ? "sent" : "written");
	port->taken = (uint64_t)session_number(item, "taken");
	port->overflows = (uint64_t)session_number(item, "overflows");
}

bool counters_take(struct counters *counters, const json_t *answer)
{
	const json_t *partitions = json_object_get(answer, "partitions");
	json_t *item;
	size_t i;

	*counters = (struct counters){ .now = (uint64_t)session_number(answer, "now") };
	take_name(counters->schedule, sizeof(counters->schedule), session_text(answer, "schedule"));
	json_array_foreach(partitions, i, item) take_partition(counters, item);
	json_array_foreach(json_object_get(answer, "ports"), i, item) take_port(counters, item);
	counters->unseen = (uint64_t)session_number(answer, "unseen");
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

/* Between the two looks, by the node's clock. */
static double seconds_between(const struct counters_node *node, const struct counters *before,
	const struct counters *after)
{
	return difference(before->now, after->now) * (double)node->clock.denominator /
	       (double)node->clock.numerator;
}

struct counters_rate counters_rate(const struct counters_node *node, const struct counters *before,
	const struct counters *after, size_t p, unsigned vcpu)
{
	const struct counters_partition *partition = &after->partitions[p];
	const struct counters_partition *earlier = known(before, partition->name);
	const struct mullion_vcpu_status *to = &partition->vcpu[vcpu];
	const struct mullion_vcpu_status *from = earlier ? &earlier->vcpu[vcpu] : to;
	const double ticks = difference(before->now, after->now);
	const double seconds = seconds_between(node, before, after);
	struct counters_rate rate = { .cpu = cpu_of(node, partition->name, vcpu),
		.latest_ns = node_ns(node->clock, to->latest_start) };
	const bool owned = rate.cpu >= 0 && node->owned[rate.cpu];
	unsigned c;

	rate.window = owned ? 1 : described(node, after, rate.cpu, partition->name);
	if (!(ticks > 0))
		return rate;
	rate.used = difference(from->ran, to->ran) / ticks;
	/* An owned CPU is its partition's whether it works or halts: nobody counts there. */
	if (owned)
		rate.used = !strcmp(partition->state, "running");
	rate.windows = difference(from->entered, to->entered) / seconds;
	for (c = 0; earlier && c < CAUSES; c++) {
		rate.causes[c] =
			difference(earlier->exits[vcpu][c], partition->exits[vcpu][c]) / seconds;
		rate.exits += rate.causes[c];
	}
	return rate;
}

const char *counters_cause(enum counters_cause cause)
{
	static const char *const names[CAUSES] = { "cpuid", "msr", "port", "memory", "hypercall",
		"interrupt", "halt", "nmi", "other" };

	return names[cause];
}

/* ---- Ports ---- */

static const struct counters_port *known_port(const struct counters *counters, const char *name)
{
	size_t i;

	for (i = 0; i < counters->ports_count; i++)
		if (!strcmp(counters->ports[i].name, name))
			return &counters->ports[i];
	return NULL;
}

struct counters_traffic counters_traffic(const struct counters_node *node,
	const struct counters *before, const struct counters *after, size_t port)
{
	const struct counters_port *to = &after->ports[port];
	const struct counters_port *from = known_port(before, to->name);
	const double seconds = seconds_between(node, before, after);
	struct counters_traffic traffic = { 0 };

	if (to->depth && to->written > to->taken)
		traffic.waiting =
			to->written - to->taken < to->depth ? to->written - to->taken : to->depth;
	if (!from || !(seconds > 0))
		return traffic;
	traffic.messages = difference(from->written, to->written) / seconds;
	traffic.overflows = difference(from->overflows, to->overflows) / seconds;
	return traffic;
}
