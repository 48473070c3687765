/*
 * What each command needs, and what it does at once. Answers of one line are written here; others are
 * begun here and written a line at a time (answers.c, records.c).
 *
 * Invariant: a change of the node is one hypercall, after every argument was found good.
 */
#include <stddef.h>

#include "attachment.h"
#include "memory.h"
#include "session.h"

/* One request being carried out. */
struct act {
	struct session *session;
	struct control *control;
	const struct request *request;
	struct writer *out;
	uint32_t id;
	enum command command;
};

static void refuse(const struct act *const a, const enum refusal refusal, const char *const text,
	const char *const subject)
{
	answer_refuse(a->control, a->out, a->id, refusal, text, subject);
}

static const struct member *needed(
	const struct act *const a, const char *const key, const enum value_kind kind)
{
	static const char *const texts[] = { [VALUE_NUMBER] = "% is missing, or is no number",
		[VALUE_TEXT] = "% is missing, or is no string",
		[VALUE_BOOL] = "% is missing, or is neither true nor false" };
	const struct member *const m = request_member(a->request, key);

	if (m != NULL && m->kind == kind)
		return m;
	refuse(a, REFUSED_BAD_ARGUMENT, texts[kind], key);
	return NULL;
}

/* False, and refused: it is there and of another kind. */
static bool optional(const struct act *const a, const char *const key, const enum value_kind kind,
	const struct member **const found)
{
	*found = request_member(a->request, key);
	return *found == NULL || needed(a, key, kind) != NULL;
}

/* The number of the partition named; NO_PARTITION, and refused: there is none. */
static uint16_t partition_of(const struct act *const a)
{
	const struct member *const m = needed(a, "partition", VALUE_TEXT);
	uint16_t p;

	if (m == NULL)
		return NO_PARTITION;
	p = node_partition(&a->control->node, m->text);
	if (p == NO_PARTITION)
		refuse(a, REFUSED_UNKNOWN_PARTITION, "there is no partition %; list names them",
			m->text);
	return p;
}

static uint16_t other_partition(const struct act *const a)
{
	const uint16_t p = partition_of(a);

	if (p == NO_PARTITION || p != a->control->node.self)
		return p;
	refuse(a, REFUSED_NOT_POSSIBLE, "% is what answers you; shutdown ends the node",
		a->control->node.partitions[p].name);
	return NO_PARTITION;
}

/* The answer is written a line at a time from the next step on. */
static struct job *begin_job(const struct act *const a)
{
	struct job *const job = &a->session->job;

	job->command = a->command;
	job->id = a->id;
	job->partition = 0;
	job->line = 0;
	job->at = 0;
	job->within = 0;
	job->from = 0;
	job->until = 0;
	job->zeros = 0;
	job->vcpu = false;
	job->marks = false;
	return job;
}

static void answer_state(const struct act *const a, const uint16_t p)
{
	const uint32_t state =
		__atomic_load_n(&a->control->node.partitions[p].status->state, __ATOMIC_ACQUIRE);

	answer_begin(a->out, a->id, 0);
	write_member_string(a->out, "state", node_state_word(state), MULLION_NAME_BYTES);
	answer_end(a->out, false);
}

static void change(const struct act *const a, const enum mullion_hypercall number, const uint16_t p,
	const uint64_t how, const char *const impossible)
{
	const char *const name = a->control->node.partitions[p].name;
	const int64_t result = node_call(number, p, how);

	if (result == MULLION_OK)
		answer_state(a, p);
	else if (result == MULLION_EAGAIN)
		refuse(a, REFUSED_NOT_NOW, "% is changing its state already; ask again", name);
	else
		refuse(a, REFUSED_NOT_POSSIBLE, impossible, name);
}

static void do_stop(const struct act *const a)
{
	const uint16_t p = other_partition(a);

	if (p != NO_PARTITION)
		change(a, MULLION_HC_STOP, p, 0, "% cannot be stopped");
}

static void do_start(const struct act *const a)
{
	const uint16_t p = other_partition(a);

	if (p != NO_PARTITION)
		change(a, MULLION_HC_START, p, 0, "% runs; restart starts it anew");
}

static void do_restart(const struct act *const a)
{
	const uint16_t p = other_partition(a);
	const struct member *cold;

	if (p == NO_PARTITION || !optional(a, "cold", VALUE_BOOL, &cold))
		return;
	change(a, MULLION_HC_RESTART, p,
		cold != NULL && cold->number != 0 ? MULLION_RESTART_COLD : MULLION_RESTART_WARM,
		"% cannot be restarted");
}

static void do_info(const struct act *const a)
{
	const uint16_t p = partition_of(a);

	if (p != NO_PARTITION)
		begin_job(a)->partition = p;
}

/* False, and refused: notices go to one peer, and it is another. */
static bool may_attach(const struct act *const a)
{
	if (attachment_is_free(a->session))
		return true;
	refuse(a, REFUSED_NOT_NOW,
		"another peer is attached; it is let go a minute after its last request", "");
	return false;
}

static void do_console(const struct act *const a)
{
	const uint16_t p = partition_of(a);
	const struct member *attach, *input;

	if (p == NO_PARTITION || !optional(a, "input", VALUE_TEXT, &input))
		return;
	if (input != NULL) {
		refuse(a, REFUSED_NOT_POSSIBLE, "the console of % takes no input",
			a->control->node.partitions[p].name);
		return;
	}
	attach = needed(a, "attach", VALUE_BOOL);
	if (attach == NULL || !may_attach(a))
		return;
	if (attach->number != 0)
		a->session->attached |= 1u << p;
	else
		a->session->attached &= ~(1u << p);
	attachment_take(a->session);
	answer_begin(a->out, a->id, 0);
	write_member_bool(a->out, "attached", attach->number != 0);
	answer_end(a->out, false);
}

static uint32_t schedules_count(const struct mullion_node *const page)
{
	return page->schedules < MULLION_NODE_SCHEDULES ? page->schedules : MULLION_NODE_SCHEDULES;
}

static bool switch_schedule(const struct act *const a, const char *const name)
{
	const struct mullion_node *const page = a->control->node.page;
	int64_t frame = MULLION_EINVAL;
	uint32_t s = 0;

	while (s < schedules_count(page) &&
		!same_text(page->schedule_names[s], name, MULLION_NAME_BYTES))
		s++;
	if (s == schedules_count(page)) {
		refuse(a, REFUSED_UNKNOWN_SCHEDULE,
			"there is no schedule %; schedule without a name lists them", name);
		return false;
	}
	frame = node_call(MULLION_HC_SCHEDULE, s, 0);
	if (frame == MULLION_EAGAIN)
		refuse(a, REFUSED_NOT_NOW, "another switch is under way; ask again", "");
	else if (frame < 0)
		refuse(a, REFUSED_NOT_POSSIBLE, "% cannot come into force", name);
	return frame >= 0;
}

static void do_schedule(const struct act *const a)
{
	const struct member *name;

	if (optional(a, "name", VALUE_TEXT, &name) &&
		(name == NULL || switch_schedule(a, name->text)))
		begin_job(a);
}

static void do_health(const struct act *const a)
{
	const struct member *attach;

	if (!optional(a, "attach", VALUE_BOOL, &attach))
		return;
	if (attach != NULL && !may_attach(a))
		return;
	if (attach != NULL) {
		a->session->attached_health = attach->number != 0;
		attachment_take(a->session);
		a->session->journal_seen = a->control->node.journal->head;
	}
	begin_job(a);
}

/* Positions in a ring; nothing is there yet beyond its head. */
static void do_ring(const struct act *const a, const uint64_t head)
{
	const struct member *const from = needed(a, "from", VALUE_NUMBER);
	struct job *job;

	if (from == NULL)
		return;
	if (from->number > head) {
		refuse(a, REFUSED_BAD_ARGUMENT, "from lies behind the last there is", "");
		return;
	}
	job = begin_job(a);
	job->from = from->number;
	job->until = head;
}

static void do_trace(const struct act *const a)
{
	const struct member *const cpu = needed(a, "cpu", VALUE_NUMBER);
	const struct mullion_trace *trace;
	const struct member *marks;
	bool kept;

	if (cpu == NULL || !optional(a, "marks", VALUE_BOOL, &marks))
		return;
	kept = marks != NULL && marks->number != 0;
	trace = cpu->number < NODE_TRACES ? a->control->node.traces[cpu->number] : NULL;
	if (trace == NULL) {
		refuse(a, REFUSED_BAD_ARGUMENT, "there is no trace of this cpu; cpus lists them",
			"");
		return;
	}
	do_ring(a, kept ? a->control->exits.marks[cpu->number].head
			: __atomic_load_n(&trace->head, __ATOMIC_ACQUIRE));
	if (!session_busy(a->session))
		return;
	a->session->job.at = (uint32_t)cpu->number;
	a->session->job.marks = kept;
}

/* ---- Memory of a stopped partition ---- */

static void refuse_memory(const struct act *const a, const uint16_t p, const int64_t result)
{
	const char *const name = a->control->node.partitions[p].name;

	if (result == MULLION_EAGAIN)
		refuse(a, REFUSED_NOT_NOW, "% is not stopped: stop it first", name);
	else
		refuse(a, REFUSED_BAD_ARGUMENT, "% has no memory, or no vcpu, of this number",
			name);
}

/* A number that is there and below its bound, or refused. */
static bool number_below(const struct act *const a, const char *const key, const uint64_t bound,
	const char *const text, uint64_t *const number)
{
	const struct member *const m = needed(a, key, VALUE_NUMBER);

	if (m == NULL)
		return false;
	*number = m->number;
	if (m->number < bound)
		return true;
	refuse(a, REFUSED_BAD_ARGUMENT, text, key);
	return false;
}

#define PAGES_BOUND (UINT64_C(1) << 32)
static const char too_large[] = "% is larger than there may be";

/* A dump of blocks or registers, or a load of zeros: whether it may be is told by reading the first. */
static void begin_memory(
	const struct act *const a, const uint16_t p, const uint64_t block, const uint64_t blocks)
{
	const uint64_t end = memory_end(&a->control->node, p, block);
	const int64_t result = node_call(MULLION_HC_PEEK, p, block);
	struct job *job;

	if (result != MULLION_OK) {
		refuse_memory(a, p, result);
		return;
	}
	job = begin_job(a);
	job->partition = p;
	job->from = block;
	job->until = end < block + blocks ? end : block + blocks;
	job->vcpu = (block & MULLION_PEEK_VCPU) != 0;
}

static void dump_pages(const struct act *const a, const uint16_t p)
{
	uint64_t page, pages = 1;

	if (!number_below(a, "page", PAGES_BOUND, too_large, &page))
		return;
	if (request_member(a->request, "pages") != NULL &&
		!number_below(a, "pages", MEMORY_DUMP_PAGES + 1, "% is at most 256", &pages))
		return;
	if (pages == 0)
		refuse(a, REFUSED_BAD_ARGUMENT, "% is at least 1", "pages");
	else
		begin_memory(a, p, page * MEMORY_PARTS, pages * MEMORY_PARTS);
}

static void do_dump(const struct act *const a)
{
	const uint16_t p = other_partition(a);
	uint64_t vcpu;

	if (p == NO_PARTITION)
		return;
	if (request_member(a->request, "vcpu") == NULL)
		dump_pages(a, p);
	else if (request_member(a->request, "page") != NULL)
		refuse(a, REFUSED_BAD_ARGUMENT, "say either page or vcpu", "");
	else if (number_below(a, "vcpu", PAGES_BOUND, too_large, &vcpu))
		begin_memory(a, p, MULLION_PEEK_VCPU + vcpu, 1);
}

static void load_data(const struct act *const a, const uint16_t p, const uint64_t block)
{
	const struct member *const data = needed(a, "data", VALUE_TEXT);
	uint64_t words[MEMORY_WORDS];
	int64_t result;

	if (data == NULL)
		return;
	if (!memory_decode(data, words)) {
		refuse(a, REFUSED_BAD_ARGUMENT, "data is not base64 of 512 bytes", "");
		return;
	}
	result = memory_put(&a->control->node, p, block, words);
	if (result != MULLION_OK) {
		refuse_memory(a, p, result);
		return;
	}
	answer_begin(a->out, a->id, 0);
	write_member_number(a->out, "page", block / MEMORY_PARTS);
	write_member_number(a->out, "part", block % MEMORY_PARTS);
	answer_end(a->out, false);
}

static void load_zeros(const struct act *const a, const uint16_t p, const uint64_t block)
{
	const uint64_t end = memory_end(&a->control->node, p, block);
	uint64_t zeros;

	if (!number_below(a, "zeros", MEMORY_LOAD_ZEROS + 1, "% is at most 65536", &zeros))
		return;
	if (zeros == 0 || end < block + zeros)
		refuse_memory(a, p, MULLION_EINVAL);
	else
		begin_memory(a, p, block, zeros);
}

static void do_load(const struct act *const a)
{
	const uint16_t p = other_partition(a);
	const bool data = request_member(a->request, "data") != NULL;
	uint64_t page, part, block;

	if (p == NO_PARTITION || !number_below(a, "page", PAGES_BOUND, too_large, &page) ||
		!number_below(a, "part", MEMORY_PARTS, "% is 0 to 7", &part))
		return;
	block = page * MEMORY_PARTS + part;
	if (data == (request_member(a->request, "zeros") != NULL))
		refuse(a, REFUSED_BAD_ARGUMENT, "say either data or zeros", "");
	else if (data)
		load_data(a, p, block);
	else
		load_zeros(a, p, block);
}

static void do_shutdown(const struct act *const a)
{
	const struct member *reset;

	if (!optional(a, "reset", VALUE_BOOL, &reset))
		return;
	a->control->ending = reset != NULL && reset->number != 0 ? ENDING_RESET : ENDING_POWER_OFF;
	answer_begin(a->out, a->id, 0);
	answer_end(a->out, false);
}

void command_begin(struct session *const session, const enum command command, const uint32_t id,
	const struct request *const request, struct writer *const out)
{
	const struct act a = { session, session->control, request, out, id, command };

	switch (command) {
	case COMMAND_INFO:
		do_info(&a);
		break;
	case COMMAND_CONSOLE:
		do_console(&a);
		break;
	case COMMAND_STOP:
		do_stop(&a);
		break;
	case COMMAND_START:
		do_start(&a);
		break;
	case COMMAND_RESTART:
		do_restart(&a);
		break;
	case COMMAND_SCHEDULE:
		do_schedule(&a);
		break;
	case COMMAND_HEALTH:
		do_health(&a);
		break;
	case COMMAND_LOG:
		do_ring(&a, __atomic_load_n(&a.control->node.log->head, __ATOMIC_ACQUIRE));
		break;
	case COMMAND_JOURNAL:
		do_ring(&a, __atomic_load_n(&a.control->node.journal->head, __ATOMIC_ACQUIRE));
		break;
	case COMMAND_TRACE:
		do_trace(&a);
		break;
	case COMMAND_DUMP:
		do_dump(&a);
		break;
	case COMMAND_LOAD:
		do_load(&a);
		break;
	case COMMAND_SHUTDOWN:
		do_shutdown(&a);
		break;
	default:
		begin_job(&a);
		break;
	}
}
