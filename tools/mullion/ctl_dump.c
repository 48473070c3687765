/*
 * mullion ctl dump: a stopped partition as an ELF core.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ctl_memory.h"
#include "whole_file.h"

static bool not_written(void)
{
	fprintf(stderr, "%s: the core was not written: %s\n", program_invocation_name,
		strerror(errno));
	return false;
}

/* ---- Registers ---- */

static bool take_vcpu(struct session *session, struct core_file *core, unsigned vcpu)
{
	json_t *arguments = ctl_partition(core->name), *answer;
	struct mullion_registers *registers = &core->registers[vcpu];
	bool good;

	json_object_set_new(arguments, "vcpu", json_integer(vcpu));
	answer = session_ask(session, "dump", arguments);
	if (!answer)
		return false;
	good = ctl_decode(session_text(answer, "data"), registers, sizeof(*registers));
	json_decref(answer);
	return good || ctl_garbled("registers");
}

static bool take_vcpus(struct session *session, struct core_file *core)
{
	unsigned i;

	for (i = 0; i < core->vcpus; i++)
		if (!take_vcpu(session, core, i))
			return false;
	return true;
}

/* ---- Memory ---- */

/* What is zero is left out: the file is that already. */
static bool put_blocks(
	const struct core_file *core, uint64_t at, const uint8_t *memory, size_t bytes)
{
	size_t done;

	for (done = 0; done < bytes; done += MULLION_PEEK_BYTES)
		if (!ctl_is_zero(memory + done) &&
			!core_file_put(core, at + done, memory + done, MULLION_PEEK_BYTES))
			return not_written();
	return true;
}

static bool write_core(struct session *session, const struct core_file *core)
{
	static uint8_t memory[CTL_MEMORY_BYTES];
	int64_t progress_ms = 0;
	uint64_t at;
	size_t bytes;

	if (!core_file_begin(core))
		return not_written();
	for (at = 0; at < core->memory_bytes; at += bytes) {
		ctl_tell_progress(core, at, &progress_ms);
		bytes = ctl_read_memory(session, core, at, memory);
		if (!bytes || !put_blocks(core, at, memory, bytes))
			return false;
	}
	return true;
}

int ctl_dump(struct session *session, const struct ctl_request *request)
{
	struct core_file core = { 0 };
	struct whole_file file;
	bool good;

	if (!ctl_stopped(session, request->argument, &core) || !take_vcpus(session, &core) ||
		!whole_file_open(&file, request->output))
		return 1;
	core.file = file.out;
	good = whole_file_close(&file, write_core(session, &core));
	if (good)
		printf("%s: %" PRIu64 " KiB and %u vcpu%s in %s\n", request->argument,
			core.memory_bytes / 1024, core.vcpus, core.vcpus > 1 ? "s" : "",
			request->output);
	return good ? 0 : 1;
}
