/*
 * mullion ctl dump: a stopped partition as an ELF core, page by page over the control line.
 */
#include <errno.h>
#include <inttypes.h>
#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allocate.h"
#include "ctl.h"
#include "core_file.h"
#include "whole_file.h"

#define PAGE        4096u
#define PARTS       8u
#define MEMORY_MOST (1ull << 40)
#define PROGRESS_MS 2000
#define BASE64_MOST 1024u

struct dump {
	struct session *session;
	struct core_file core;
	int64_t next_progress_ms;
};

/* Exactly `bytes`, or nothing; "" is zeros. */
static bool decode(const char *text, uint8_t *data, size_t bytes)
{
	struct base64_decode_ctx context;
	uint8_t decoded[BASE64_DECODE_LENGTH(BASE64_MOST)];
	size_t count = sizeof(decoded);

	memset(data, 0, bytes);
	if (!*text)
		return true;
	if (strlen(text) > BASE64_MOST)
		return false;
	base64_decode_init(&context);
	if (!base64_decode_update(&context, &count, decoded, strlen(text), text) ||
		!base64_decode_final(&context) || count != bytes)
		return false;
	memcpy(data, decoded, bytes);
	return true;
}

static bool garbled(const char *what)
{
	fprintf(stderr, "%s: the node sent %s that cannot be read; nothing was written\n",
		program_invocation_name, what);
	return false;
}

/* ---- Registers ---- */

static bool take_vcpu(struct dump *dump, unsigned vcpu)
{
	json_t *arguments = ctl_partition(dump->core.name), *answer;
	struct mullion_registers *registers = &dump->core.registers[vcpu];
	bool good;

	json_object_set_new(arguments, "vcpu", json_integer(vcpu));
	answer = session_ask(dump->session, "dump", arguments);
	if (!answer)
		return false;
	good = decode(session_text(answer, "data"), (uint8_t *)registers, sizeof(*registers));
	json_decref(answer);
	return good || garbled("registers");
}

static bool take_vcpus(struct dump *dump)
{
	unsigned i;

	for (i = 0; i < dump->core.vcpus; i++)
		if (!take_vcpu(dump, i))
			return false;
	return true;
}

/* ---- Memory ---- */

static bool take_part(const struct dump *dump, const json_t *part, uint64_t page)
{
	const uint64_t number = (uint64_t)session_number(part, "part");
	const char *text = session_text(part, "data");
	uint8_t data[MULLION_PEEK_BYTES];

	if (number >= PARTS || (uint64_t)session_number(part, "page") != page ||
		!decode(text, data, sizeof(data)))
		return garbled("memory");
	if (!*text)
		return true;
	return core_file_put(
		&dump->core, page * PAGE + number * MULLION_PEEK_BYTES, data, sizeof(data));
}

static bool take_page(struct dump *dump, uint64_t page)
{
	json_t *arguments = ctl_partition(dump->core.name), *answer, *part;
	bool good = true;
	size_t i;

	json_object_set_new(arguments, "page", json_integer((json_int_t)page));
	answer = session_ask(dump->session, "dump", arguments);
	json_array_foreach(dump->session->parts, i, part) good =
		good && (!answer || take_part(dump, part, page));
	json_decref(answer);
	return answer && good;
}

static void tell_progress(struct dump *dump, uint64_t page)
{
	if (wire_now_ms() < dump->next_progress_ms || !isatty(STDERR_FILENO))
		return;
	dump->next_progress_ms = wire_now_ms() + PROGRESS_MS / 4;
	fprintf(stderr, "\r%s: %" PRIu64 " of %" PRIu64 " KiB ", dump->core.name,
		page * PAGE / 1024, dump->core.memory_bytes / 1024);
}

static bool take_memory(struct dump *dump)
{
	const uint64_t pages = dump->core.memory_bytes / PAGE;
	uint64_t page;

	dump->next_progress_ms = wire_now_ms() + PROGRESS_MS;
	for (page = 0; page < pages; page++) {
		tell_progress(dump, page);
		if (!take_page(dump, page))
			return false;
	}
	return true;
}

/* ---- The whole ---- */

static bool write_core(struct dump *dump)
{
	if (core_file_begin(&dump->core))
		return take_memory(dump);
	fprintf(stderr, "%s: the core was not written: %s\n", program_invocation_name,
		strerror(errno));
	return false;
}

/* How large it is, and whether it stands still. */
static bool take_shape(struct dump *dump, const char *partition)
{
	json_t *info = session_ask(dump->session, "info", ctl_partition(partition));
	const uint64_t memory = (uint64_t)session_number(info, "memory");
	const size_t vcpus = json_array_size(json_object_get(info, "vcpus"));
	const bool stopped = !strcmp(session_text(info, "state"), "stopped");

	json_decref(info);
	if (!info)
		return false;
	if (!stopped) {
		fprintf(stderr,
			"%s: %s runs, and its memory with it; \"mullion ctl stop %s\" "
			"holds it still\n",
			program_invocation_name, partition, partition);
		return false;
	}
	if (!memory || memory > MEMORY_MOST || memory % PAGE || !vcpus || vcpus > CORE_VCPUS_MAX)
		return garbled("a size");
	dump->core.name = partition;
	dump->core.memory_bytes = memory;
	dump->core.vcpus = (unsigned)vcpus;
	return true;
}

int ctl_dump(struct session *session, const struct ctl_request *request)
{
	struct dump dump = { .session = session };
	struct whole_file file;
	bool good;

	if (!take_shape(&dump, request->argument) || !take_vcpus(&dump) ||
		!whole_file_open(&file, request->output))
		return 1;
	dump.core.out = file.out;
	good = whole_file_close(&file, write_core(&dump));
	if (good)
		printf("%s: %" PRIu64 " KiB and %u vcpu%s in %s\n", request->argument,
			dump.core.memory_bytes / 1024, dump.core.vcpus,
			dump.core.vcpus > 1 ? "s" : "", request->output);
	return good ? 0 : 1;
}
