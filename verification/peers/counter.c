/*
 * A plugin of QEMU's TCG that counts every instruction a machine with one CPU executes; a halted CPU executes none. Where
 * the guest executes a mark (marks.h), a line `mark N COUNT` is written. Built against the plugin interface as QEMU
 * documents it in qemu-plugin.h, version 1, which Debian does not package: only what is used is declared.
 *
 * usage: -plugin counter.so,out=FILE
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

void qemu_plugin_register_vcpu_tb_trans_cb(
	uint64_t id, void (*translated)(uint64_t id, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_insn_exec_inline(
	struct qemu_plugin_insn *, enum qemu_plugin_op, void *, uint64_t);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *,
	void (*executed)(unsigned, void *), enum qemu_plugin_cb_flags, void *);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(uint64_t, const void *, int, char **);

/* A NOP of eight bytes; its displacement is "MU" and the mark's number. */
static const uint8_t mark[] = { 0x0f, 0x1f, 0x84, 0x00 };
static const uint8_t sign[] = { 'M', 'U' };

static uint64_t executed;
static FILE *out;

static void marked(const unsigned cpu, void *const number)
{
	(void)cpu;
	fprintf(out, "mark %" PRIuPTR " %" PRIu64 "\n", (uintptr_t)number, executed);
	fflush(out);
}

static void translated(const uint64_t id, struct qemu_plugin_tb *const tb)
{
	const size_t count = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *const insn = qemu_plugin_tb_get_insn(tb, i);
		const uint8_t *const bytes = qemu_plugin_insn_data(insn);

		qemu_plugin_register_vcpu_insn_exec_inline(
			insn, QEMU_PLUGIN_INLINE_ADD_U64, &executed, 1);
		if (qemu_plugin_insn_size(insn) == sizeof(mark) + 4 &&
			memcmp(bytes, mark, sizeof(mark)) == 0 &&
			memcmp(bytes + sizeof(mark) + 2, sign, sizeof(sign)) == 0)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, QEMU_PLUGIN_CB_NO_REGS,
				(void *)(uintptr_t)(bytes[4] | bytes[5] << 8));
	}
}

int qemu_plugin_install(
	const uint64_t id, const void *const info, const int count, char **const words)
{
	(void)info;
	for (int i = 0; i < count; i++)
		if (strncmp(words[i], "out=", 4) == 0)
			out = fopen(words[i] + 4, "w");
	if (out == NULL) {
		fprintf(stderr,
			"counter: -plugin counter.so,out=FILE, and FILE must be writable\n");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
