/*
 * mullion ctl load: the memory of a core that `dump` wrote, back into its stopped partition. Only what
 * differs is sent: a line takes in less at a time than it gives. Registers stay the node's: whoever
 * starts the partition sets them anew.
 */
#include <errno.h>
#include <inttypes.h>
#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>

#include "ctl_memory.h"

#define ZEROS_MOST 65536u /* blocks of one request */

struct load {
	struct session *session;
	struct core_file core;
	uint64_t zeros_at, zeros_bytes; /* a run that is not sent yet */
	uint64_t sent_bytes;
};

/* ---- What the file is ---- */

static bool refuse(const char *path, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_name, path, what);
	return false;
}

static bool fits(const struct core_file *core, const struct core_file *node, const char *path)
{
	char what[160] = "";

	if (strcmp(core->name, node->name) != 0)
		(void)snprintf(what, sizeof(what), "it is a core of %s, not of %s", core->name,
			node->name);
	else if (core->memory_bytes != node->memory_bytes || core->vcpus != node->vcpus)
		(void)snprintf(what, sizeof(what),
			"%s had %" PRIu64 " KiB and %u vcpus, now it has %" PRIu64 " KiB and %u",
			core->name, core->memory_bytes / 1024, core->vcpus,
			node->memory_bytes / 1024, node->vcpus);
	else if (core->image != node->image)
		(void)snprintf(what, sizeof(what),
			"the node ran image %016" PRIx64 " then, and runs %016" PRIx64 " now",
			core->image, node->image);
	return !*what || refuse(path, what);
}

/* ---- Memory ---- */

static bool send(struct load *load, uint64_t at, const char *member, json_t *value)
{
	const uint64_t gpa = core_file_gpa(at);
	json_t *arguments = ctl_partition(load->core.name), *answer;

	json_object_set_new(arguments, "page", json_integer((json_int_t)(gpa / CTL_PAGE_BYTES)));
	json_object_set_new(arguments, "part",
		json_integer((json_int_t)(gpa % CTL_PAGE_BYTES / MULLION_PEEK_BYTES)));
	json_object_set_new(arguments, member, value);
	answer = session_ask(load->session, "load", arguments);
	json_decref(answer);
	return answer != NULL;
}

static bool send_zeros(struct load *load)
{
	const uint64_t blocks = load->zeros_bytes / MULLION_PEEK_BYTES;

	load->zeros_bytes = 0;
	return !blocks || send(load, load->zeros_at, "zeros", json_integer((json_int_t)blocks));
}

static bool send_block(struct load *load, uint64_t at, const uint8_t *block)
{
	char text[BASE64_ENCODE_RAW_LENGTH(MULLION_PEEK_BYTES) + 1] = "";

	base64_encode_raw(text, MULLION_PEEK_BYTES, block);
	return send_zeros(load) && send(load, at, "data", json_string(text));
}

/* A run of zeros is of blocks that follow one another, also in the partition. */
static bool add_zeros(struct load *load, uint64_t at)
{
	if ((at != load->zeros_at + load->zeros_bytes || at == MULLION_HOLE_BASE ||
		    load->zeros_bytes == ZEROS_MOST * MULLION_PEEK_BYTES) &&
		!send_zeros(load))
		return false;
	if (!load->zeros_bytes)
		load->zeros_at = at;
	load->zeros_bytes += MULLION_PEEK_BYTES;
	return true;
}

/* One block of the file, beside what the node has there. */
static bool take_block(struct load *load, uint64_t at, const uint8_t *has, const char *path)
{
	uint8_t block[MULLION_PEEK_BYTES];

	if (!core_file_get(&load->core, at, block, sizeof(block)))
		return refuse(path, "it became shorter while it was read");
	if (!memcmp(block, has, sizeof(block)))
		return true;
	load->sent_bytes += sizeof(block);
	return ctl_is_zero(block) ? add_zeros(load, at) : send_block(load, at, block);
}

static bool load_memory(struct load *load, const char *path)
{
	static uint8_t memory[CTL_MEMORY_BYTES];
	int64_t progress_ms = 0;
	uint64_t at;
	size_t bytes, done;

	for (at = 0; at < load->core.memory_bytes; at += bytes) {
		bytes = ctl_read_memory(load->session, &load->core, at, memory);
		if (!bytes)
			return false;
		for (done = 0; done < bytes; done += MULLION_PEEK_BYTES) {
			ctl_tell_progress(&load->core, at + done, &progress_ms);
			if (!take_block(load, at + done, memory + done, path))
				return false;
		}
	}
	return send_zeros(load);
}

/* ---- The whole ---- */

static bool load_file(struct load *load, const struct ctl_request *request)
{
	char name[CORE_NAME_BYTES];
	struct core_file node;

	if (!core_file_read(&load->core, name))
		return refuse(
			request->input, "it is no core of mullion ctl dump, or not all of it");
	if (!ctl_stopped(load->session, request->argument, &node) ||
		!fits(&load->core, &node, request->input) || !load_memory(load, request->input))
		return false;
	printf("%s: %" PRIu64 " KiB as in %s, %" PRIu64 " bytes of it sent\n", load->core.name,
		load->core.memory_bytes / 1024, request->input, load->sent_bytes);
	return true;
}

int ctl_load(struct session *session, const struct ctl_request *request)
{
	struct load load = { .session = session, .core.file = fopen(request->input, "re") };
	bool good;

	if (!load.core.file)
		return !refuse(request->input, strerror(errno));
	good = load_file(&load, request);
	fclose(load.core.file);
	return good ? 0 : 1;
}
