/*
 * Commands that ask a node and print what it says: as a table, or with --json as it came.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <mullion/abi.h>

#include "ctl.h"
#include "table.h"

/* Prints the answer with `show`, or as JSON. */
static int show(struct session *session, const struct ctl_request *request, json_t *answer,
	void (*print)(struct session *session, json_t *answer))
{
	if (!answer)
		return 1;
	if (request->json)
		ctl_print_json(answer);
	else
		print(session, answer);
	json_decref(answer);
	return 0;
}

static void print_list(struct session *session, json_t *answer)
{
	struct table table;
	json_t *partition;
	size_t i;

	(void)session;
	table_begin(&table, "NAME|STATE|>RESTARTS|>VCPUS");
	json_array_foreach(json_object_get(answer, "partitions"), i, partition)
	{
		table_add(&table, "%s", session_text(partition, "name"));
		table_add(&table, "%s", session_text(partition, "state"));
		table_add(&table, "%" PRId64, session_number(partition, "restarts"));
		table_add(&table, "%" PRId64, session_number(partition, "vcpus"));
	}
	table_end(&table, stdout);
}

int ctl_list(struct session *session, const struct ctl_request *request)
{
	return show(session, request, session_ask(session, "list", NULL), print_list);
}

/* ---- info ---- */

static void print_vcpus(struct session *session, const json_t *vcpus)
{
	const struct node_clock clock = session_clock(session);
	char latest[NODE_DURATION_BYTES], ran[NODE_DURATION_BYTES], *causes;
	struct table table;
	json_t *vcpu;
	size_t i;

	table_begin(&table, "VCPU|>CPU|>ENTERED|>LATEST START|>RAN|EXITS");
	json_array_foreach(vcpus, i, vcpu)
	{
		const uint64_t late = (uint64_t)session_number(vcpu, "latest_start");

		table_add(&table, "%" PRId64, session_number(vcpu, "vcpu"));
		table_add(&table, "%" PRId64, session_number(vcpu, "cpu"));
		table_add(&table, "%" PRIu64, (uint64_t)session_number(vcpu, "entered"));
		table_add(&table, "%s", node_duration(latest, node_ns(clock, late)));
		table_add(&table, "%s",
			node_duration(ran, node_ns(clock, (uint64_t)session_number(vcpu, "ran"))));
		causes = ctl_events(json_object_get(vcpu, "causes"));
		table_add(&table, "%s", causes);
		free(causes);
	}
	table_end(&table, stdout);
}

/* When it was, counted from the node's epoch. */
static void print_since(struct session *session, const json_t *answer)
{
	const int64_t epoch = session_number(session->hello, "epoch");
	const int64_t since = session_number(answer, "since");
	char at[NODE_DURATION_BYTES];

	if (since < epoch || !epoch)
		puts("since:     the start of the node");
	else
		printf("since:     %s after the start of the node\n",
			node_duration(
				at, node_ns(session_clock(session), (uint64_t)(since - epoch))));
}

static void print_info(struct session *session, json_t *answer)
{
	char *name = session_clean(session_text(answer, "partition"));
	char *state = session_clean(session_text(answer, "state"));
	char *reason = session_clean(session_text(answer, "reason"));
	char *action = session_clean(session_text(answer, "action"));
	char *events = ctl_events(json_object_get(answer, "events"));
	const bool known_action = *action && strcmp(action, "none") != 0;

	printf("partition: %s\nstate:     %s\n", name, state);
	print_since(session, answer);
	if (*reason && strcmp(reason, "none") != 0)
		printf("reason:    %s%s%s\n", reason, known_action ? ", " : "",
			known_action ? action : "");
	printf("restarts:  %" PRId64 "\nmemory:    %" PRId64 " KiB\nevents:    %s\n\n",
		session_number(answer, "restarts"), session_number(answer, "memory") / 1024,
		events);
	print_vcpus(session, json_object_get(answer, "vcpus"));
	free(name);
	free(state);
	free(reason);
	free(action);
	free(events);
}

int ctl_info(struct session *session, const struct ctl_request *request)
{
	return show(session, request,
		session_ask(session, "info", ctl_partition(request->argument)), print_info);
}

/* ---- cpus ---- */

static void add_vcpus(struct table *table, const json_t *vcpus)
{
	char *text = strdup(""), *longer;
	json_t *vcpu;
	size_t i;

	json_array_foreach(vcpus, i, vcpu)
	{
		const char *name = json_string_value(vcpu);

		if (asprintf(&longer, "%s%s%s", text, i ? " " : "", name ? name : "?") < 0)
			abort(); /* out of memory */
		free(text);
		text = longer;
	}
	table_add(table, "%s", text);
	free(text);
}

static void print_cpus(struct session *session, json_t *answer)
{
	struct table table;
	json_t *cpu;
	size_t i;

	(void)session;
	table_begin(&table, ">CPU|MODE|VCPUS");
	json_array_foreach(json_object_get(answer, "cpus"), i, cpu)
	{
		table_add(&table, "%" PRId64, session_number(cpu, "cpu"));
		table_add(&table, "%s", session_text(cpu, "mode"));
		add_vcpus(&table, json_object_get(cpu, "vcpus"));
	}
	table_end(&table, stdout);
}

int ctl_cpus(struct session *session, const struct ctl_request *request)
{
	return show(session, request, session_ask(session, "cpus", NULL), print_cpus);
}

/* ---- health ---- */

static void print_refused(const json_t *refused)
{
	char *text = ctl_events(refused);

	if (strcmp(text, "-") != 0)
		printf("\nrequests refused: %s\n", text);
	free(text);
}

static void print_health(struct session *session, json_t *answer)
{
	struct table table;
	json_t *partition;
	size_t i;

	(void)session;
	table_begin(&table, "NAME|EVENTS");
	json_array_foreach(json_object_get(answer, "partitions"), i, partition)
	{
		char *events = ctl_events(json_object_get(partition, "events"));

		table_add(&table, "%s", session_text(partition, "name"));
		table_add(&table, "%s", events);
		free(events);
	}
	table_end(&table, stdout);
	print_refused(json_object_get(answer, "refused"));
}

int ctl_health(struct session *session, const struct ctl_request *request)
{
	return show(session, request, session_ask(session, "health", NULL), print_health);
}

/* ---- journal ---- */

/* Ticks of an earlier boot count from that boot's own start. */
static void print_journal(struct session *session, json_t *entries)
{
	const struct node_clock clock = session_clock(session);
	char at[NODE_DURATION_BYTES];
	struct table table;
	json_t *entry;
	size_t i;

	table_begin(&table, ">BOOT|>TIME|PARTITION|EVENT|ACTION|>DETAIL|>RIP");
	json_array_foreach(entries, i, entry)
	{
		const char *partition = session_text(entry, "partition");
		const uint64_t tsc = (uint64_t)session_number(entry, "tsc");

		table_add(&table, "%" PRId64, session_number(entry, "boot"));
		table_add(&table, "%s", node_duration(at, node_ns(clock, tsc)));
		table_add(&table, "%s", *partition ? partition : "-");
		table_add(&table, "%s", session_text(entry, "event"));
		table_add(&table, "%s", session_text(entry, "action"));
		table_add(&table, "%#" PRIx64, (uint64_t)session_number(entry, "detail"));
		table_add(&table, "%#" PRIx64, (uint64_t)session_number(entry, "rip"));
	}
	table_end(&table, stdout);
}

int ctl_journal(struct session *session, const struct ctl_request *request)
{
	return show(session, request, ctl_journal_entries(session), print_journal);
}

/* ---- log ---- */

/* The kernel's text, which is clean, but came over a wire. */
static void print_text(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text >= ' ' || strchr("\n\t", *text) ? *text : '?');
}

static json_t *whole_log(struct session *session)
{
	json_t *texts = json_array(), *answer;
	int64_t from = 0, head = 1, to;

	while (from < head) {
		answer = session_ask(session, "log", json_pack("{s:I}", "from", (json_int_t)from));
		if (!answer) {
			json_decref(texts);
			return NULL;
		}
		to = session_number(answer, "to");
		head = to > from ? session_number(answer, "head") : from;
		from = to > from ? to : from;
		json_array_append(texts, json_object_get(answer, "text"));
		json_decref(answer);
	}
	return texts;
}

int ctl_log(struct session *session, const struct ctl_request *request)
{
	json_t *texts = whole_log(session), *text;
	size_t i;

	if (!texts)
		return 1;
	if (request->json)
		ctl_print_json(texts);
	else
		json_array_foreach(texts, i, text) print_text(json_string_value(text));
	json_decref(texts);
	return 0;
}

/* ---- version ---- */

static void print_version(struct session *session, json_t *answer)
{
	char *node = session_clean(session_text(session->hello, "node"));
	char *board = session_clean(session_text(session->hello, "board"));
	char *version = session_clean(session_text(session->hello, "version"));

	printf("node:     %s on %s\n", node, board);
	if (*version)
		printf("version:  %s\n", version);
	printf("ABI:      %" PRId64 ", this tool %u\nprotocol: %" PRId64
	       ", this tool %d\nboots:    %" PRId64 "\n",
		session_number(answer, "abi"), MULLION_ABI_VERSION,
		session_number(answer, "protocol"), SESSION_PROTOCOL,
		session_number(answer, "boots"));
	free(node);
	free(board);
	free(version);
}

int ctl_version(struct session *session, const struct ctl_request *request)
{
	return show(session, request, session_ask(session, "version", NULL), print_version);
}
