/*
 * Trace records in words: what a CPU did, without whose it was.
 *
 * Exit codes: AMD APM 2, appendix C. MSR numbers: AMD APM 2, 16.11, and Intel SDM 4.
 */
#include "trace_words.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

struct word {
	uint32_t code;
	const char *text;
};

enum svm_exit { VMEXIT_IOIO = 0x7b, VMEXIT_MSR = 0x7c, VMEXIT_NPF = 0x400 };

static const struct word exits[] = {
	{ 0x60, "external interrupt" },
	{ 0x61, "NMI" },
	{ 0x62, "SMI" },
	{ 0x63, "INIT" },
	{ 0x64, "interrupt window" },
	{ 0x6d, "RDPMC" },
	{ 0x6e, "RDTSC" },
	{ 0x70, "POPF" },
	{ 0x72, "CPUID" },
	{ 0x73, "RSM" },
	{ 0x74, "IRET" },
	{ 0x75, "software interrupt" },
	{ 0x76, "INVD" },
	{ 0x77, "PAUSE" },
	{ 0x78, "HLT" },
	{ 0x79, "INVLPG" },
	{ 0x7a, "INVLPGA" },
	{ 0x7b, "I/O port" },
	{ 0x7c, "MSR" },
	{ 0x7d, "task switch" },
	{ 0x7f, "triple fault" },
	{ 0x80, "VMRUN" },
	{ 0x81, "VMMCALL" },
	{ 0x82, "VMLOAD" },
	{ 0x83, "VMSAVE" },
	{ 0x84, "STGI" },
	{ 0x85, "CLGI" },
	{ 0x86, "SKINIT" },
	{ 0x87, "RDTSCP" },
	{ 0x88, "ICEBP" },
	{ 0x89, "WBINVD" },
	{ 0x8a, "MONITOR" },
	{ 0x8b, "MWAIT" },
	{ 0x8d, "XSETBV" },
	{ 0x400, "nested page fault" },
};

static const struct word msrs[] = {
	{ 0x10, "TSC" },
	{ 0x1b, "APIC base" },
	{ 0x6e0, "TSC deadline" },
	{ 0x802, "APIC id" },
	{ 0x808, "task priority" },
	{ 0x80b, "EOI" },
	{ 0x80d, "logical destination" },
	{ 0x80f, "spurious vector" },
	{ 0x830, "interrupt command" },
	{ 0x832, "timer LVT" },
	{ 0x838, "timer initial count" },
	{ 0x839, "timer current count" },
	{ 0x83e, "timer divide" },
	{ 0x83f, "self IPI" },
	{ 0xc0000080, "EFER" },
};

static const struct word apic_registers[] = {
	{ 0x20, "id" },
	{ 0x80, "task priority" },
	{ 0xb0, "EOI" },
	{ 0xf0, "spurious vector" },
	{ 0x300, "interrupt command" },
	{ 0x310, "interrupt command" },
	{ 0x320, "timer LVT" },
	{ 0x380, "timer" },
	{ 0x390, "timer current count" },
	{ 0x3e0, "timer divide" },
};

static const char *const events[MULLION_EVENT_COUNT] = { "memory violation", "port violation",
	"MSR violation", "forbidden instruction", "triple fault", "window overrun", "raised event",
	"exit of the partition", "DMA violation", "watchdog expired", "machine check" };
static const char *const actions[MULLION_ACTION_COUNT] = { "logged", "#GP injected",
	"partition stopped", "node shut down", "warm restart", "cold restart", "schedule switched",
	"node reset" };

static const char *find(const struct word *words, size_t count, uint64_t code)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (words[i].code == code)
			return words[i].text;
	}
	return NULL;
}
#define FIND(words, code) find(words, sizeof(words) / sizeof((words)[0]), code)

static void put(char words[TRACE_WORDS_BYTES], const char *text)
{
	(void)snprintf(words, TRACE_WORDS_BYTES, "%s", text);
}

static void nested_fault_words(char words[TRACE_WORDS_BYTES], uint64_t address)
{
	const char *name = FIND(apic_registers, address & 0xfffu);

	if (address >> 12 == 0xfee00u)
		(void)snprintf(words, TRACE_WORDS_BYTES, "NPF at %#" PRIx64 " (xAPIC %s)", address,
			name ? name : "page");
	else
		(void)snprintf(words, TRACE_WORDS_BYTES, "NPF at %#" PRIx64, address);
}

static void number_words(char words[TRACE_WORDS_BYTES], uint32_t code)
{
	if (code < 0x20)
		(void)snprintf(words, TRACE_WORDS_BYTES, "access to CR%u", (unsigned)(code & 15u));
	else if (code < 0x40)
		(void)snprintf(words, TRACE_WORDS_BYTES, "access to DR%u", (unsigned)(code & 15u));
	else if (code < 0x60)
		(void)snprintf(words, TRACE_WORDS_BYTES, "exception %u", (unsigned)(code - 0x40u));
	else
		(void)snprintf(words, TRACE_WORDS_BYTES, "exit %#x", (unsigned)code);
}

static void exit_words(char words[TRACE_WORDS_BYTES], uint32_t code, uint64_t detail)
{
	const char *name = FIND(exits, code), *msr = FIND(msrs, detail);

	if (code == VMEXIT_MSR && msr)
		(void)snprintf(words, TRACE_WORDS_BYTES, "MSR %#" PRIx64 " (%s)", detail, msr);
	else if (code == VMEXIT_MSR)
		(void)snprintf(words, TRACE_WORDS_BYTES, "MSR %#" PRIx64, detail);
	else if (code == VMEXIT_IOIO)
		(void)snprintf(words, TRACE_WORDS_BYTES, "I/O port %#" PRIx64, detail);
	else if (code == VMEXIT_NPF)
		nested_fault_words(words, detail);
	else if (name)
		put(words, name);
	else
		number_words(words, code);
}

const char *trace_exit_name(uint32_t code)
{
	const char *name = FIND(exits, code);

	if (name)
		return name;
	return code < 0x20   ? "control register"
	       : code < 0x40 ? "debug register"
	       : code < 0x60 ? "exception"
			     : "other";
}

const char *trace_event_words(uint32_t event)
{
	return event < MULLION_EVENT_COUNT ? events[event] : "unknown event";
}

const char *trace_action_words(uint32_t action)
{
	return action < MULLION_ACTION_COUNT ? actions[action] : "unknown action";
}

char *trace_words(char words[TRACE_WORDS_BYTES], const struct mullion_trace_record *record)
{
	switch (record->kind) {
	case MULLION_TRACE_EXIT:
		exit_words(words, record->cause, record->a);
		break;
	case MULLION_TRACE_WINDOW:
		(void)snprintf(words, TRACE_WORDS_BYTES, "window %u", (unsigned)record->cause);
		break;
	case MULLION_TRACE_IDLE:
		put(words, "idle");
		break;
	case MULLION_TRACE_HEALTH:
		(void)snprintf(words, TRACE_WORDS_BYTES, "%s (%#" PRIx64 "), %s",
			trace_event_words(record->cause >> 8), record->a,
			trace_action_words(record->cause & 0xffu));
		break;
	case MULLION_TRACE_INJECT:
		(void)snprintf(
			words, TRACE_WORDS_BYTES, "interrupt %u injected", (unsigned)record->cause);
		break;
	case MULLION_TRACE_START:
		put(words, "start");
		break;
	case MULLION_TRACE_STOP:
		put(words, "stop");
		break;
	case MULLION_TRACE_RESTART:
		put(words, record->cause == MULLION_RESTART_COLD ? "cold restart done"
								 : "warm restart done");
		break;
	case MULLION_TRACE_SCHEDULE:
		(void)snprintf(
			words, TRACE_WORDS_BYTES, "switch to schedule %u", (unsigned)record->cause);
		break;
	default:
		(void)snprintf(words, TRACE_WORDS_BYTES, "trace record of kind %u",
			(unsigned)record->kind);
		break;
	}
	return words;
}
