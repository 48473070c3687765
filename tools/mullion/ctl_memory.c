/*
 * A stopped partition's memory over the control line: what dump writes down and load compares with.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nettle/base64.h>

#include "ctl_memory.h"

#define PROGRESS_MS 2000
#define BASE64_MOST 1024u

bool ctl_decode(const char *text, void *data, size_t bytes)
{
	struct base64_decode_ctx context;
	uint8_t decoded[BASE64_DECODE_LENGTH(BASE64_MOST)];
	size_t count = sizeof(decoded);

	if (strlen(text) > BASE64_MOST)
		return false;
	base64_decode_init(&context);
	if (!base64_decode_update(&context, &count, decoded, strlen(text), text) ||
		!base64_decode_final(&context) || count != bytes)
		return false;
	memcpy(data, decoded, bytes);
	return true;
}

bool ctl_garbled(const char *what)
{
	fprintf(stderr, "%s: the node sent %s that cannot be read\n", program_invocation_name,
		what);
	return false;
}

/* ---- Reading ---- */

/* What a line tells of memory from offset `at` on, at most `left` bytes; 0: that cannot be. */
static size_t take_line(const json_t *line, uint64_t at, uint8_t *memory, size_t left)
{
	const uint64_t gpa = (uint64_t)session_number(line, "page") * CTL_PAGE_BYTES +
			     (uint64_t)session_number(line, "part") * MULLION_PEEK_BYTES;
	const uint64_t zeros = (uint64_t)session_number(line, "zeros");

	if (gpa != core_file_gpa(at) || zeros > left / MULLION_PEEK_BYTES || !left)
		return 0;
	if (zeros)
		return zeros * MULLION_PEEK_BYTES; /* which the buffer is already */
	return ctl_decode(session_text(line, "data"), memory, MULLION_PEEK_BYTES)
		       ? MULLION_PEEK_BYTES
		       : 0;
}

static size_t take_lines(const json_t *lines, uint64_t at, uint8_t *memory, size_t most)
{
	size_t taken = 0, more = 1, i;
	json_t *line;

	json_array_foreach(lines, i, line)
	{
		more = more ? take_line(line, at + taken, memory + taken, most - taken) : 0;
		taken += more;
	}
	return more && taken && taken % CTL_PAGE_BYTES == 0 ? taken : ctl_garbled("memory");
}

static size_t least(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

size_t ctl_read_memory(
	struct session *session, const struct core_file *core, uint64_t at, uint8_t *memory)
{
	const size_t most = least(core->memory_bytes - at, CTL_MEMORY_BYTES);
	json_t *arguments = ctl_partition(core->name), *answer;

	json_object_set_new(
		arguments, "page", json_integer((json_int_t)(core_file_gpa(at) / CTL_PAGE_BYTES)));
	json_object_set_new(arguments, "pages", json_integer((json_int_t)(most / CTL_PAGE_BYTES)));
	answer = session_ask(session, "dump", arguments);
	if (!answer)
		return 0;
	json_decref(answer);
	memset(memory, 0, most);
	return take_lines(session->parts, at, memory, most);
}

bool ctl_is_zero(const uint8_t *block)
{
	static const uint8_t zeros[MULLION_PEEK_BYTES];

	return !memcmp(block, zeros, sizeof(zeros));
}

/* ---- Progress ---- */

void ctl_tell_progress(const struct core_file *core, uint64_t at, int64_t *next_ms)
{
	if (!*next_ms)
		*next_ms = wire_now_ms() + PROGRESS_MS;
	if (wire_now_ms() < *next_ms || !isatty(STDERR_FILENO))
		return;
	*next_ms = wire_now_ms() + PROGRESS_MS / 4;
	fprintf(stderr, "\r%s: %" PRIu64 " of %" PRIu64 " KiB ", core->name, at / 1024,
		core->memory_bytes / 1024);
}

/* ---- A partition that stands still ---- */

#define MEMORY_MOST (1ull << 40)

static bool take_image(struct session *session, struct core_file *core)
{
	json_t *version = session_ask(session, "version", NULL);

	core->image = strtoull(session_text(version, "image"), NULL, 16);
	json_decref(version);
	return version != NULL;
}

static bool take_shape(struct core_file *core, const json_t *info)
{
	const size_t vcpus = json_array_size(json_object_get(info, "vcpus"));

	core->memory_bytes = (uint64_t)session_number(info, "memory");
	core->vcpus = (unsigned)vcpus;
	return (core->memory_bytes && core->memory_bytes <= MEMORY_MOST &&
		       core->memory_bytes % CTL_PAGE_BYTES == 0 && vcpus &&
		       vcpus <= CORE_VCPUS_MAX) ||
	       ctl_garbled("a size");
}

bool ctl_stopped(struct session *session, const char *partition, struct core_file *core)
{
	json_t *info = session_ask(session, "info", ctl_partition(partition));
	bool stopped = !strcmp(session_text(info, "state"), "stopped");

	core->name = partition;
	if (info && !stopped)
		fprintf(stderr,
			"%s: %s runs, and its memory with it; \"mullion ctl stop %s\" holds it "
			"still\n",
			program_invocation_name, partition, partition);
	stopped = stopped && take_shape(core, info) && take_image(session, core);
	json_decref(info);
	return stopped;
}
