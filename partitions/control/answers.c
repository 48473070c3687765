/*
 * Answers about the node's state, a line at a time: each call writes as many elements as fit.
 *
 * Invariant: what an answer reads is one load of a word that others write meanwhile; how many elements
 * there are is bounded by the layout of the pages, never by what stands in them.
 */
#include <stddef.h>

#include "session.h"

/* The longest element of each array, and what ends a line behind it. */
#define ELEMENT_MOST 128u
#define END_MOST     32u
#define NUMBER_MOST  21u                                            /* with its comma */
#define NAME_MOST    (MULLION_NAME_BYTES * WRITE_ESCAPED_MOST + 3u) /* from a page, escaped */
#define EXITS_MOST   (EXIT_CLASSES * (NUMBER_MOST + 12u))
#define PORT_MOST    260u
#define EVENTS_MOST  (MULLION_EVENT_COUNT * (NUMBER_MOST + 17u))

static bool has_room(const struct writer *const out, const uint32_t bytes)
{
	return write_room(out) >= bytes + END_MOST;
}

static void member_name(struct writer *const out, const char *const key, const char *const name)
{
	write_member_string(out, key, name, MULLION_NAME_BYTES);
}

static const char *schedule_name(const struct mullion_node *const page, const uint32_t s)
{
	return s < MULLION_NODE_SCHEDULES ? page->schedule_names[s] : "?";
}

static void member_state(struct writer *const out, const struct mullion_status *const status)
{
	member_name(
		out, "state", node_state_word(__atomic_load_n(&status->state, __ATOMIC_ACQUIRE)));
}

static bool hello(const struct session *const session, struct writer *const out)
{
	const struct control *const control = session->control;
	const struct mullion_node *const page = control->node.page;

	member_name(out, "node", page->name);
	member_name(out, "board", page->board);
	write_member_number(out, "version", PROTOCOL_VERSION);
	write_member_number(out, "abi", MULLION_ABI_VERSION);
	write_key(out, "nonce");
	write_byte(out, '"');
	write_hex(out, control->auth.nonce, AUTH_NONCE_BYTES);
	write_byte(out, '"');
	write_member_bool(out, "authenticated", !session_is_open(session));
	member_name(out, "schedule", schedule_name(page, page->schedule));
	write_key(out, "hz");
	write_open(out, '[');
	write_value(out, control->node.hz_numerator);
	write_byte(out, ',');
	write_value(out, control->node.hz_denominator);
	write_close(out, ']');
	write_member_number(out, "epoch", page->epoch_tsc);
	write_member_number(out, "now", node_now());
	write_member_number(out, "seq", control->auth.last_seq);
	return false;
}

/* The next partition that exists, from `at` on; false: there is none. */
static bool next_partition(const struct node *const node, uint32_t *const at)
{
	while (*at < node->partitions_count && *at < MULLION_NODE_PARTITIONS) {
		if (node->partitions[*at].status != NULL)
			return true;
		(*at)++;
	}
	return false;
}

static bool list(const struct node *const node, struct job *const job, struct writer *const out)
{
	bool more;

	write_key(out, "partitions");
	write_open(out, '[');
	while ((more = next_partition(node, &job->at)) && has_room(out, ELEMENT_MOST)) {
		const struct node_partition *const p = &node->partitions[job->at];

		write_comma(out);
		write_open(out, '{');
		member_name(out, "name", p->name);
		member_state(out, p->status);
		write_member_number(out, "restarts", p->status->restarts);
		write_member_number(out, "vcpus", node->page->of_partition[job->at].vcpus);
		write_close(out, '}');
		job->at++;
	}
	write_close(out, ']');
	return more;
}

/* Those that happened, by their names; in the members of an object that is begun. */
static void event_counts(struct writer *const out, const struct mullion_status *const status)
{
	write_key(out, "events");
	write_open(out, '{');
	for (uint32_t e = 0; e < MULLION_EVENT_COUNT; e++)
		if (status->events[e] != 0)
			write_member_number(out, node_event_word(e), status->events[e]);
	write_close(out, '}');
}

static uint32_t vcpus_of(const struct node *const node, const uint32_t p)
{
	const uint32_t vcpus = node->page->of_partition[p].vcpus;

	return vcpus < MULLION_STATUS_VCPUS ? vcpus : MULLION_STATUS_VCPUS;
}

static uint32_t cpu_of(const struct node *const node, const uint32_t vcpu)
{
	return vcpu < MULLION_NODE_VCPUS ? node->page->cpu_of_vcpu[vcpu] : MULLION_NODE_CPUS;
}

static const uint64_t *exits_of(const struct control *const control, const uint32_t vcpu)
{
	return control->exits.counts[vcpu < MULLION_NODE_VCPUS ? vcpu : 0];
}

/* Those that there were, by their names. */
static void exit_counts(struct writer *const out, const uint64_t *const counts)
{
	write_key(out, "causes");
	write_open(out, '{');
	for (uint32_t c = 0; c < EXIT_CLASSES; c++)
		if (counts[c] != 0)
			write_member_number(out, exit_word((enum exit_class)c), counts[c]);
	write_close(out, '}');
}

static void info_head(
	const struct node *const node, const struct job *const job, struct writer *const out)
{
	const struct node_partition *const p = &node->partitions[job->partition];
	const uint32_t reason = p->status->reason;

	member_name(out, "partition", p->name);
	member_state(out, p->status);
	write_member_number(out, "since", p->status->since_tsc);
	if (reason == 0 || reason == MULLION_REASON_COMMAND) {
		member_name(out, "reason", reason == 0 ? "none" : "command");
		member_name(out, "action", "none");
	} else {
		member_name(out, "reason", node_event_word(reason >> 8));
		member_name(out, "action", node_action_word(reason & 0xff));
	}
	write_member_number(out, "restarts", p->status->restarts);
	write_member_number(out, "memory", node->page->of_partition[job->partition].memory_bytes);
	event_counts(out, p->status);
}

static void info_vcpu(
	const struct control *const control, const struct job *const job, struct writer *const out)
{
	const struct node *const node = &control->node;
	const struct mullion_vcpu_status *const v =
		&node->partitions[job->partition].status->vcpus[job->at];
	const uint32_t first = node->page->of_partition[job->partition].first_vcpu;

	write_comma(out);
	write_open(out, '{');
	write_member_number(out, "vcpu", job->at);
	write_member_number(out, "cpu", cpu_of(node, first + job->at));
	write_member_number(out, "exits", v->exits);
	write_member_number(out, "entered", v->entered);
	write_member_number(out, "latest_start", v->latest_start);
	write_member_number(out, "ran", v->ran);
	exit_counts(out, exits_of(control, first + job->at));
	write_close(out, '}');
}

static bool info(
	const struct control *const control, struct job *const job, struct writer *const out)
{
	const struct node *const node = &control->node;
	const uint32_t vcpus = vcpus_of(node, job->partition);

	if (job->line == 0)
		info_head(node, job, out);
	write_key(out, "vcpus");
	write_open(out, '[');
	for (; job->at < vcpus && has_room(out, 160 + EXITS_MOST); job->at++)
		info_vcpu(control, job, out);
	write_close(out, ']');
	return job->at < vcpus;
}

/* "nav/0": whoever has this vcpu; false: it has no name. */
static void vcpu_name(const struct node *const node, const uint32_t vcpu, struct writer *const out)
{
	for (uint32_t p = 0; next_partition(node, &p); p++) {
		const struct mullion_node_partition *const of = &node->page->of_partition[p];

		if (vcpu < of->first_vcpu || vcpu - of->first_vcpu >= of->vcpus)
			continue;
		write_comma(out);
		write_byte(out, '"');
		write_raw(out, node->partitions[p].name);
		write_byte(out, '/');
		write_number(out, vcpu - of->first_vcpu);
		write_byte(out, '"');
		return;
	}
}

/* The vcpus of CPU `at`, from `within` on; false: the line was too short for all. */
static bool cpu_vcpus(
	const struct node *const node, struct job *const job, struct writer *const out)
{
	for (; job->within < node->page->vcpus && job->within < MULLION_NODE_VCPUS; job->within++) {
		if (cpu_of(node, job->within) != job->at)
			continue;
		if (!has_room(out, MULLION_NAME_BYTES + 8))
			return false;
		vcpu_name(node, job->within, out);
	}
	job->within = 0;
	return true;
}

/* A line for each CPU, and more for one with many vcpus. */
static bool cpus(const struct node *const node, struct job *const job, struct writer *const out)
{
	write_key(out, "cpus");
	write_open(out, '[');
	if (job->at < node->cpus_count) {
		write_comma(out);
		write_open(out, '{');
		write_member_number(out, "cpu", job->at);
		member_name(
			out, "mode", node->page->mode_of_cpu[job->at] == 1 ? "owned" : "framed");
		write_key(out, "vcpus");
		write_open(out, '[');
		if (cpu_vcpus(node, job, out))
			job->at++;
		write_close(out, ']');
		write_close(out, '}');
	}
	write_close(out, ']');
	return job->at < node->cpus_count;
}

static bool schedule(const struct node *const node, struct job *const job, struct writer *const out)
{
	const struct mullion_node *const page = node->page;
	const uint32_t count =
		page->schedules < MULLION_NODE_SCHEDULES ? page->schedules : MULLION_NODE_SCHEDULES;

	if (job->line == 0) {
		member_name(out, "schedule", schedule_name(page, page->schedule));
		member_name(out, "next", schedule_name(page, page->next_schedule));
		write_member_number(out, "frame",
			page->schedule == page->next_schedule ? page->schedule_frame
							      : page->next_frame);
	}
	write_key(out, "schedules");
	write_open(out, '[');
	for (; job->at < count && has_room(out, NAME_MOST); job->at++) {
		write_comma(out);
		write_string(out, page->schedule_names[job->at], MULLION_NAME_BYTES);
	}
	write_close(out, ']');
	return job->at < count;
}

static void refusals(const struct control *const control, struct writer *const out)
{
	write_key(out, "refused");
	write_open(out, '{');
	for (uint32_t r = 0; r < REFUSALS; r++)
		if (control->refused[r] != 0)
			write_member_number(
				out, refusal_word((enum refusal)r), control->refused[r]);
	write_close(out, '}');
}

/* Control's own steps: on an owned CPU what they executed, else with what came between. */
static void longest_steps(const struct control *const control, struct writer *const out)
{
	write_key(out, "longest");
	write_open(out, '{');
	for (uint32_t s = 0; s < STEPS; s++)
		if (control->longest[s] != 0)
			write_member_number(out, step_word(s), control->longest[s]);
	write_close(out, '}');
}

/* What became of frames. */
static void network(const struct datagrams *const datagrams, struct writer *const out)
{
	write_key(out, "network");
	write_open(out, '{');
	for (uint32_t v = 0; v < STATION_VERDICTS; v++)
		if (datagrams->station.counts[v] != 0)
			write_member_number(out, station_word(v), datagrams->station.counts[v]);
	if (datagrams->dropped != 0)
		write_member_number(out, "dropped", datagrams->dropped);
	write_close(out, '}');
}

/* Control itself first, then its network; then a partition or more a line. */
static bool health(
	const struct control *const control, struct job *const job, struct writer *const out)
{
	const struct node *const node = &control->node;
	bool more;

	if (job->line == 0) {
		refusals(control, out);
		longest_steps(control, out);
	}
	if (job->line == 1 && control->datagrams != NULL)
		network(control->datagrams, out);
	write_key(out, "partitions");
	write_open(out, '[');
	while ((more = next_partition(node, &job->at)) && has_room(out, 48 + EVENTS_MOST)) {
		write_comma(out);
		write_open(out, '{');
		member_name(out, "name", node->partitions[job->at].name);
		event_counts(out, node->partitions[job->at].status);
		write_close(out, '}');
		job->at++;
	}
	write_close(out, ']');
	return more || (job->line == 0 && control->datagrams != NULL);
}

static void counters_events(struct writer *const out, const struct mullion_status *const status)
{
	write_key(out, "events");
	write_open(out, '[');
	for (uint32_t e = 0; e < MULLION_EVENT_COUNT; e++) {
		write_comma(out);
		write_value(out, status->events[e]);
	}
	write_close(out, ']');
}

static void counters_vcpu(struct writer *const out, const struct mullion_vcpu_status *const v,
	const uint64_t *const exits)
{
	write_comma(out);
	write_open(out, '[');
	write_value(out, v->exits);
	write_byte(out, ',');
	write_value(out, v->entered);
	write_byte(out, ',');
	write_value(out, v->latest_start);
	write_byte(out, ',');
	write_value(out, v->ran);
	write_byte(out, ',');
	write_open(out, '[');
	for (uint32_t c = 0; c < EXIT_CLASSES; c++) {
		write_comma(out);
		write_value(out, exits[c]);
	}
	write_close(out, ']');
	write_close(out, ']');
}

static void counters_partition(const struct control *const control, struct job *const job,
	const uint32_t vcpus, struct writer *const out)
{
	const struct node_partition *const p = &control->node.partitions[job->at];
	const uint32_t first = control->node.page->of_partition[job->at].first_vcpu;

	write_open(out, '{');
	member_name(out, "name", p->name);
	member_state(out, p->status);
	write_member_number(out, "restarts", p->status->restarts);
	write_member_number(out, "first", job->within);
	counters_events(out, p->status);
	write_key(out, "vcpus");
	write_open(out, '[');
	for (; job->within < vcpus && has_room(out, (4 + EXIT_CLASSES) * NUMBER_MOST + 5);
		job->within++)
		counters_vcpu(out, &p->status->vcpus[job->within],
			exits_of(control, first + job->within));
	write_close(out, ']');
	write_close(out, '}');
}

static void counters_of_partition(
	const struct control *const control, struct job *const job, struct writer *const out)
{
	const uint32_t vcpus = vcpus_of(&control->node, job->at);

	write_key(out, "partitions");
	write_open(out, '[');
	counters_partition(control, job, vcpus, out);
	write_close(out, ']');
	if (job->within >= vcpus) {
		job->within = 0;
		job->at++;
	}
}

/* ---- Ports ---- */

/* The next channel that exists, from `at` on. */
static bool next_channel(const struct node *const node, uint64_t *const at)
{
	while (*at < NODE_CHANNELS && node->channels[*at].name[0] == '\0')
		(*at)++;
	return *at < NODE_CHANNELS;
}

static uint64_t look(const uint64_t *const word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void queue_counts(const struct node *const node, const struct node_channel *const channel,
	struct writer *const out)
{
	write_member_number(out, "depth", channel->depth);
	write_member_number(out, "sent", look(&channel->queuing->head));
	write_member_number(out, "overflows", look(&channel->queuing->overflows));
	if (channel->reader == NULL)
		return;
	member_name(out, "to", node_name(node, channel->to));
	write_member_number(out, "taken", look(&channel->reader->tail));
}

static void port(const struct node *const node, const struct node_channel *const channel,
	struct writer *const out)
{
	write_comma(out);
	write_open(out, '{');
	member_name(out, "name", channel->name);
	member_name(out, "from", node_name(node, channel->from));
	write_member_number(out, "bytes", channel->message_bytes);
	if (channel->sampling != NULL)
		write_member_number(out, "written", look(&channel->sampling->latest));
	if (channel->queuing != NULL)
		queue_counts(node, channel, out);
	write_close(out, '}');
}

static void ports(const struct node *const node, struct job *const job, struct writer *const out)
{
	write_key(out, "ports");
	write_open(out, '[');
	for (; next_channel(node, &job->from) && has_room(out, PORT_MOST); job->from++)
		port(node, &node->channels[job->from], out);
	write_close(out, ']');
}

/* Partitions first, a line or more each; then ports, as many a line as fit. */
static bool counters(
	const struct control *const control, struct job *const job, struct writer *const out)
{
	const struct node *const node = &control->node;

	if (job->line == 0) {
		write_member_number(out, "now", node_now());
		member_name(out, "schedule", schedule_name(node->page, node->page->schedule));
		write_member_number(out, "unseen", control->exits.unseen);
	}
	if (next_partition(node, &job->at))
		counters_of_partition(control, job, out);
	else
		ports(node, job, out);
	return next_partition(node, &job->at) || next_channel(node, &job->from);
}

static bool version(const struct node *const node, struct writer *const out)
{
	write_member_number(out, "abi", (uint64_t)node_call(MULLION_HC_VERSION, 0, 0));
	write_member_number(out, "protocol", PROTOCOL_VERSION);
	write_member_number(out, "boots", node->page->boots);
	write_key(out, "image");
	write_byte(out, '"');
	write_digits(out, node->journal->image);
	write_byte(out, '"');
	return false;
}

bool answer_line(struct session *const session, struct job *const job, struct writer *const out)
{
	const struct control *const control = session->control;

	switch (job->command) {
	case COMMAND_HELLO:
		return hello(session, out);
	case COMMAND_LIST:
		return list(&control->node, job, out);
	case COMMAND_INFO:
		return info(control, job, out);
	case COMMAND_CPUS:
		return cpus(&control->node, job, out);
	case COMMAND_SCHEDULE:
		return schedule(&control->node, job, out);
	case COMMAND_HEALTH:
		return health(control, job, out);
	case COMMAND_COUNTERS:
		return counters(control, job, out);
	case COMMAND_VERSION:
		return version(&control->node, out);
	default:
		return answer_records(control, job, out);
	}
}
