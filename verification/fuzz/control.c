/*
 * Fuzzing of the control partition's whole line handler: bytes as they come from the serial line, in
 * pieces as they may come, or a datagram a line, from two peers; through parser, authentication and
 * commands to every answer's last line.
 *
 * Properties, beside the sanitizers': each line that is not empty gets exactly one complete answer; all
 * that is said is a line of printable JSON of at most 1,024 bytes; the node is changed only by calls
 * that the kernel knows, never control itself, and on a line with authentication only by what was signed
 * under the key with a number that grows. By datagrams one peer at a time has anything attached.
 *
 * The mutator knows the protocol: it makes requests of its words, changes single members, repeats and
 * signs lines; libFuzzer's own mutations damage what it made.
 */
#include <string.h>

#include "../unit/fake_control.h"
#include "fuzz.h"

#define TEXT_BYTES   4096u
#define AS_DATAGRAMS 0x10u

static struct control control;
static struct session session;

/* Once: what no request changes. */
static void set_up(void)
{
	uint64_t random = 1;

	fake_control(&control);
	claim(auth_set_key(&control.auth, FAKE_KEY), "the key is a key");
	for (unsigned i = 0; i < 1000; i++)
		fake_print(&fake_log, i % 7 == 0 ? "\n" : i % 11 == 0 ? "\"\\\x01\xff" : "text");
	for (size_t i = 0; i < sizeof(fake_trace.records) / 8; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		memcpy((uint8_t *)fake_trace.records + 8 * i, &random, 8);
	}
}

/* Quotes, brackets and escapes of a line; what else may stand in JSON the unit tests look at. */
static bool is_json(const char *const line, const uint32_t bytes)
{
	char open[16];
	unsigned depth = 0;
	bool text = false;

	for (uint32_t i = 0; i + 1 < bytes; i++) {
		const char c = line[i];

		if (c < ' ' || c > '~')
			return false;
		if (text && c == '\\')
			i++;
		else if (c == '"')
			text = !text;
		else if (!text && (c == '{' || c == '[') && depth < sizeof(open))
			open[depth++] = c == '{' ? '}' : ']';
		else if (!text && (c == '}' || c == ']') && (depth == 0 || open[--depth] != c))
			return false;
		if (!text && depth == 0 && i + 2 < bytes)
			return false;
	}
	return !text && depth == 0;
}

static bool ends_answer(const struct writer *const out)
{
	static const char more[] = ",\"more\":true}\n";
	const uint32_t bytes = sizeof(more) - 1;

	return out->used < bytes || memcmp(&out->text[out->used - bytes], more, bytes) != 0;
}

static unsigned judge_line(const struct writer *const out)
{
	if (out->used == 0)
		return 0;
	claim(out->used <= LINE_BYTES && out->text[out->used - 1] == '\n', "an answer is a line");
	claim(!out->full, "nothing of an answer is left out");
	claim(memcmp(out->text, "{\"v\":1,\"id\":", 12) == 0, "an answer begins as one");
	claim(is_json(out->text, out->used), "an answer is JSON");
	return ends_answer(out) ? 1 : 0;
}

static void judge_call(const unsigned before, const uint64_t seq_before)
{
	if (fake_calls == before)
		return;
	claim(fake_last.number < MULLION_HC_COUNT && fake_last.number != MULLION_HC_SHUTDOWN,
		"only calls of commands are made");
	if (fake_last.number >= MULLION_HC_STOP && fake_last.number != MULLION_HC_SCHEDULE)
		claim(fake_last.first != 0 && fake_last.first < FAKE_PARTITIONS,
			"calls name another partition that exists");
	if (fake_last.number == MULLION_HC_SCHEDULE)
		claim(fake_last.first < fake_page.schedules, "calls name a schedule that exists");
	claim(session_is_open(&session) || control.auth.last_seq > seq_before,
		"nothing is done that was not signed under a new number");
}

/* A line's answer ends before the next line is taken. */
static unsigned finish_answer(void)
{
	static struct writer out;
	unsigned answers = 0;

	for (unsigned lines = 0; session_busy(&session); lines++) {
		claim(lines < 8500, "an answer ends");
		session_go_on(&session, &out);
		answers += judge_line(&out);
	}
	return answers;
}

static size_t feed(const char *const bytes, const size_t count)
{
	const unsigned calls = fake_calls;
	const uint64_t seq = control.auth.last_seq;
	const bool empty_before = session.used == 0 && !session.over;
	static struct writer out;
	const size_t taken = session_take(&session, bytes, (uint32_t)count, &out);
	const bool ended = taken != 0 && bytes[taken - 1] == '\n';
	const bool empty = empty_before && (taken == 1 || (taken == 2 && bytes[0] == '\r'));
	unsigned answers = judge_line(&out);

	claim(taken != 0 && taken <= count, "bytes are taken, and not more than there are");
	judge_call(calls, seq);
	answers += finish_answer();
	if (ended && !empty)
		claim(answers <= 1, "a line gets one answer");
	else
		claim(answers == 0 || ended, "what is no line gets no answer");
	if (ended && empty_before && !empty)
		claim(answers == 1, "a line gets an answer");
	return taken;
}

/* One of two peers sends a line; an answer under way is for who asked. */
static void feed_datagram(const char *const bytes, const size_t count, const uint64_t peer)
{
	const unsigned calls = fake_calls;
	const uint64_t seq = control.auth.last_seq, holder = session.holder;
	const uint32_t attached = session.attached;
	const bool health = session.attached_health, held = attached != 0 || health;
	const size_t text = count != 0 && bytes[count - 1] == '\n' ? count - 1 : count;
	static struct writer out;
	unsigned answers;

	session_datagram(&session, peer, bytes, (uint32_t)count, &out);
	answers = judge_line(&out);
	judge_call(calls, seq);
	answers += finish_answer();
	claim(answers == (text != 0 && (text != 1 || bytes[0] != '\r') ? 1u : 0u),
		"a datagram gets one answer");
	if (session.attached != attached || session.attached_health != health)
		claim(session.holder == peer && (!held || holder == peer) &&
				control.auth.last_seq > seq,
			"one peer at a time is attached");
}

static void feed_datagrams(const char *const bytes, const size_t count)
{
	uint64_t peer = 1;

	for (size_t at = 0; at < count; peer = 3 - peer) {
		const char *const end = memchr(&bytes[at], '\n', count - at);
		const size_t one = end != NULL ? (size_t)(end - &bytes[at]) + 1 : count - at;

		feed_datagram(&bytes[at], one, peer);
		at += one;
	}
}

static void reset(const uint8_t options)
{
	static bool ready;

	if (!ready)
		set_up();
	ready = true;
	/* Long answers now and then: they take most of the time. */
	fake_journal.head = options >= 0xf8 ? 300 : 5;
	fake_trace.head = options >= 0xf8 ? 2 * MULLION_TRACE_RECORDS + 7 : 20;
	memset(fake_memory, options >= 0xf8 ? 0x5a : 0, sizeof(fake_memory));
	control.auth.last_seq = 0;
	control.ending = ENDING_NOT;
	fake_result = options & 2 ? MULLION_EAGAIN : options & 4 ? MULLION_EINVAL : MULLION_OK;
	session_begin(&session, &control,
		options & 1              ? SESSION_OPEN
		: options & AS_DATAGRAMS ? SESSION_DATAGRAM
					 : SESSION_KEYED);
}

int LLVMFuzzerTestOneInput(const uint8_t *const data, const size_t size)
{
	size_t piece, at = 1;

	if (size == 0)
		return 0;
	reset(data[0]);
	if (session.kind == SESSION_DATAGRAM) {
		feed_datagrams((const char *)&data[1], size - 1);
		return 0;
	}
	piece = data[0] & 8 ? (size_t)(data[0] >> 4) * 29 + 1 : size;
	while (at < size)
		at += feed((const char *)&data[at], size - at < piece ? size - at : piece);
	return 0;
}

/* ---- The mutator ---- */

#define PICK(words) words[pick(sizeof(words) / sizeof(*(words)))]

static const char *const commands[] = { "hello", "list", "info", "cpus", "console", "stop", "start",
	"restart", "schedule", "health", "log", "journal", "counters", "trace", "dump", "load",
	"version", "shutdown", "reboot", "" };
static const char *const keys[] = { "v", "id", "cmd", "partition", "attach", "input", "cold",
	"name", "from", "cpu", "page", "pages", "part", "data", "zeros", "marks", "vcpu", "reset",
	"seq", "mac", "other", "" };
static const char *const values[] = { "0", "1", "2", "7", "255", "256", "300", "2147483647",
	"2147483648", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808",
	"-1", "true", "false", "null", "1.5", "\"\"", "\"nav\"", "\"watch\"", "\"control\"",
	"\"navi\"", "\"normal\"", "\"degraded\"", "\"\\u0041\\n\\\"\"", "\"\\ud800\"", "[1]", "{}",
	"\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"" };

/* Attaching and letting go, as it should be: two of them in a row are rare otherwise. */
static void make_attachment(char *const line, const size_t room)
{
	static const char *const requests[] = {
		"{\"v\":1,\"cmd\":\"console\",\"partition\":\"nav\",\"attach\":true}",
		"{\"v\":1,\"cmd\":\"console\",\"partition\":\"nav\",\"attach\":false}",
		"{\"v\":1,\"cmd\":\"health\",\"attach\":true}",
		"{\"v\":1,\"cmd\":\"health\",\"attach\":false}"
	};

	snprintf(line, room, "%s", PICK(requests));
	fake_sign(&control, line, room, pick(1000));
}

/* A request: mostly well formed, mostly of members its command has. */
static void make_request(char *const line, const size_t room)
{
	static const char *const arguments[] = { ",\"partition\":\"nav\"",
		",\"partition\":\"watch\"", ",\"partition\":\"control\"", ",\"attach\":true",
		",\"cold\":true", ",\"name\":\"degraded\"", ",\"from\":0", ",\"cpu\":0",
		",\"page\":0", ",\"pages\":3", ",\"part\":5", ",\"zeros\":40", ",\"vcpu\":1",
		",\"reset\":false" };
	size_t used = (size_t)snprintf(line, room, "{\"v\":1,\"id\":%u,\"cmd\":\"%s\"",
		(unsigned)pick(100), PICK(commands));

	for (uint32_t n = pick(4); n != 0; n--)
		used += (size_t)snprintf(&line[used], room - used, "%s", PICK(arguments));
	/* More members than there may be, each said once. */
	for (uint32_t k = pick(8) == 0 ? pick(16) : 16; k < 16; k++)
		used += (size_t)snprintf(&line[used], room - used, ",\"%s\":%u", keys[k] + 1, k);
	if (pick(4) == 0)
		used += (size_t)snprintf(
			&line[used], room - used, ",\"%s\":%s", PICK(keys), PICK(values));
	snprintf(&line[used], room - used, "}");
	if (pick(2) == 0)
		fake_sign(&control, line, room, pick(1000));
}

/* Start and length of one of the lines, newline included. */
static size_t pick_line(const char *const text, const size_t size, size_t *const start)
{
	const char *end;
	size_t at = pick((uint32_t)size);

	while (at > 0 && text[at - 1] != '\n')
		at--;
	end = memchr(&text[at], '\n', size - at);
	*start = at;
	return end != NULL ? (size_t)(end - &text[at]) + 1 : size - at;
}

/* Replaces `old` bytes at `at`; returns the new size. */
static size_t splice(char *const text, const size_t size, const size_t most, const size_t at,
	const size_t old, const char *const with, const size_t bytes)
{
	if (size - old + bytes > most)
		return size;
	memmove(&text[at + bytes], &text[at + old], size - at - old);
	memcpy(&text[at], with, bytes);
	return size - old + bytes;
}

/* The value behind a colon becomes another. */
static size_t change_value(char *const text, const size_t size, const size_t most)
{
	const char *const value = PICK(values);
	const char *const colon = memchr(text, ':', size);
	size_t at, end;

	if (colon == NULL)
		return size;
	at = (size_t)(colon - text) + 1;
	for (uint32_t skip = pick(8); skip != 0; skip--) {
		const char *const next = memchr(&text[at], ':', size - at);

		if (next == NULL)
			break;
		at = (size_t)(next - text) + 1;
	}
	for (end = at; end < size && text[end] != ',' && text[end] != '}' && text[end] != '\n';)
		end++;
	return splice(text, size, most, at, end - at, value, strlen(value));
}

/* The line gets the mac it needs, whatever it holds, if it ends as a request does. */
static size_t sign_line(char *const text, const size_t size, const size_t most)
{
	char line[2 * TEXT_BYTES];
	size_t start, bytes = pick_line(text, size, &start), whole = bytes;

	while (bytes != 0 && text[start + bytes - 1] != '}')
		bytes--;
	if (bytes == 0 || bytes >= TEXT_BYTES || memchr(&text[start], '\0', bytes) != NULL)
		return size;
	memcpy(line, &text[start], bytes);
	line[bytes] = '\0';
	fake_sign(&control, line, sizeof(line) - 1, pick(100000));
	strcat(line, "\n");
	return splice(text, size, most, start, whole, line, strlen(line));
}

/* Lines around the longest there may be. */
static size_t stretch_line(char *const text, const size_t size, const size_t most)
{
	char fill[LINE_BYTES + 64];
	size_t start;
	const size_t bytes = pick_line(text, size, &start);
	const size_t target = LINE_BYTES - 8 + pick(16);

	memset(fill, pick(4) == 0 ? 'x' : ' ', sizeof(fill));
	if (bytes >= target)
		return size;
	return splice(text, size, most, start + pick((uint32_t)bytes), 0, fill, target - bytes);
}

static size_t mutate_text(char *const text, const size_t size, const size_t most)
{
	char line[TEXT_BYTES];
	size_t start, bytes;

	if (size == 0 || pick(4) == 0) {
		if (pick(4) == 0)
			make_attachment(line, sizeof(line) - 1);
		else
			make_request(line, sizeof(line) - 1);
		strcat(line, "\n");
		if (size != 0)
			pick_line(text, size, &start);
		return splice(text, size, most, size != 0 ? start : 0, 0, line, strlen(line));
	}
	switch (pick(6)) {
	case 0:
		return change_value(text, size, most);
	case 1:
		return sign_line(text, size, most);
	case 2:
		bytes = pick_line(text, size, &start);
		return splice(text, size, most, start, bytes, "", 0);
	case 3:
		return pick(4) == 0 ? stretch_line(text, size, most) : size;
	case 4:
		bytes = pick_line(text, size, &start);
		if (bytes > sizeof(line))
			return size;
		memcpy(line, &text[start], bytes);
		return splice(text, size, most, start, 0, line, bytes);
	default:
		return LLVMFuzzerMutate((uint8_t *)text, size, most);
	}
}

size_t LLVMFuzzerCustomMutator(
	uint8_t *const data, const size_t size, const size_t most, const unsigned seed)
{
	size_t text = size > 0 ? size - 1 : 0;

	random_begin(seed);
	if (control.node.page == NULL)
		set_up();
	if (most < 2)
		return size;
	if (size == 0 || pick(8) == 0)
		data[0] = (uint8_t)pick(256);
	for (uint32_t n = 1 + pick(3); n != 0; n--)
		text = mutate_text((char *)data + 1, text, most - 1);
	return text + 1;
}
