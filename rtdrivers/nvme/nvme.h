/*
 * An NVMe 1.4 controller, driven from inside a partition: one admin queue pair, one I/O queue pair,
 * one namespace. Read, write, flush.
 *
 * Invariant: no call waits, allocates or loops further than its constants say, so each has the
 * bound on instructions stated with it (nvme_init alone repeats a bounded step a bounded number of
 * times); and nothing the controller writes is believed before it is checked. One CPU at a time
 * calls.
 *
 * Addresses given to the controller are the addresses the program uses: the SDK maps memory one to
 * one, and a function of a partition reaches the partition's memory at guest-physical addresses.
 *
 * Specification: NVM Express 1.4; sections are named where they matter.
 */
#ifndef RTDRIVERS_NVME_H
#define RTDRIVERS_NVME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NVME_PAGE_BYTES    4096u
#define NVME_QUEUE_ENTRIES 64u
#define NVME_ADMIN_ENTRIES 4u

/* A queue with all entries used would look empty: one less can be outstanding. */
#define NVME_COMMANDS (NVME_QUEUE_ENTRIES - 1)

/* The longest transfer, unless the controller's limit is lower: identity.transfer_blocks. */
#define NVME_LIST_ENTRIES   32u
#define NVME_TRANSFER_BYTES (NVME_LIST_ENTRIES * NVME_PAGE_BYTES)

/* nvme_init gives up after so many steps, if time itself has not run out before. */
#define NVME_INIT_STEPS 10000000u

/* After so many polls in a row that find nothing, with commands outstanding, nvme_poll checks. */
#define NVME_CHECK_POLLS 64u

/* How long a command may stay unanswered, where nvme_setup says nothing. */
#define NVME_LIMIT_NS 5000000000ull

/*
 * The most instructions a call executes, the calls it makes included: verification/gates/drivers.t
 * finds the longest path in the object code, partitions/tests/nvme measures.
 */
#define NVME_START_INSTRUCTIONS    1800u
#define NVME_STEP_INSTRUCTIONS     2000u
#define NVME_TRANSFER_INSTRUCTIONS 450u /* nvme_submit_read, nvme_submit_write */
#define NVME_FLUSH_INSTRUCTIONS    100u
#define NVME_POLL_INSTRUCTIONS     150u
#define NVME_CHECK_INSTRUCTIONS    50u
#define NVME_STOP_INSTRUCTIONS     50u
#define NVME_INIT_INSTRUCTIONS     20020000000u /* NVME_INIT_STEPS times the longest step */

enum nvme_state {
	NVME_OFF,      /* not started, or stopped in good order */
	NVME_STARTING, /* nvme_step goes on */
	NVME_READY,
	NVME_STOPPING, /* nvme_step goes on */
	NVME_FAILED,   /* see problem; nvme_start begins again */
};

enum nvme_problem {
	NVME_PROBLEM_NONE,
	NVME_PROBLEM_GONE,        /* its registers read all ones */
	NVME_PROBLEM_FATAL,       /* CSTS.CFS */
	NVME_PROBLEM_RESET,       /* CSTS.RDY went away */
	NVME_PROBLEM_NOT_READY,   /* CSTS.RDY did not follow CC.EN within CAP.TO */
	NVME_PROBLEM_SILENT,      /* a command was not answered within the limit */
	NVME_PROBLEM_COMPLETION,  /* it completed what nobody asked for */
	NVME_PROBLEM_REFUSED,     /* an admin command failed: see refused */
	NVME_PROBLEM_REGISTERS,   /* its doorbells do not lie within the BAR */
	NVME_PROBLEM_PAGES,       /* it has no pages of 4096 bytes */
	NVME_PROBLEM_COMMAND_SET, /* it does not speak the NVM command set */
	NVME_PROBLEM_ENTRIES,     /* it wants larger queue entries than 64 and 16 bytes */
	NVME_PROBLEM_NAMESPACE,   /* the namespace does not exist or holds nothing */
	NVME_PROBLEM_BLOCKS,      /* blocks smaller than 512 bytes, or larger than a transfer */
	NVME_PROBLEM_METADATA,    /* the namespace is formatted with metadata or protection */
	NVME_PROBLEM_STEPS,       /* nvme_init's steps are used up */
	NVME_PROBLEMS
};

/*
 * Status code type << 8 | status code (4.6.1), as completions carry it. nvme_status_text has more.
 */
enum nvme_status {
	NVME_STATUS_SUCCESS = 0x000,
	NVME_STATUS_INVALID_OPCODE = 0x001,
	NVME_STATUS_INVALID_FIELD = 0x002,
	NVME_STATUS_DATA_TRANSFER_ERROR = 0x004,
	NVME_STATUS_LBA_OUT_OF_RANGE = 0x080,
};

struct nvme_setup {
	volatile void *registers; /* BAR 0, mapped */
	uint64_t registers_bytes;
	uint32_t namespace_id; /* 0: the first */
	/*
	 * Completions of I/O raise this message of the function. MSI-X has to be on before
	 * nvme_start (pci_message_enable). Message 0 is the admin queue's, too: starting raises some.
	 */
	bool interrupts;
	uint16_t message;
	uint64_t limit_ns; /* until a command counts as unanswered; 0: NVME_LIMIT_NS */
};

struct nvme_identity {
	char serial[21], model[41], firmware[9]; /* printable, without trailing blanks */
	uint64_t blocks;
	uint32_t block_bytes;
	uint32_t transfer_blocks; /* of the longest transfer */
	bool write_cache;         /* volatile: what was written is safe after a flush only */
};

struct nvme_command {
	uint32_t dword[16];
};

struct nvme_entry {
	uint32_t result, reserved;
	uint16_t head, queue; /* of the submission queue */
	uint16_t id, status;  /* status: bit 0 is the phase */
};

/* One queue pair: where the next command goes, where the next completion is looked for. */
struct nvme_queue {
	struct nvme_command *commands;
	volatile struct nvme_entry *entries;
	volatile uint32_t *tail_doorbell, *head_doorbell;
	uint32_t size, id;
	uint32_t tail, head; /* head: of the completion queue */
	uint32_t fetched;    /* the controller's head of the submission queue, as last reported */
	uint32_t phase;
};

/* Place it in static memory. The pages come first; what follows them is the driver's own. */
struct nvme {
	_Alignas(NVME_PAGE_BYTES) struct nvme_command commands[NVME_QUEUE_ENTRIES];
	_Alignas(NVME_PAGE_BYTES) uint64_t lists[NVME_QUEUE_ENTRIES][NVME_LIST_ENTRIES];
	_Alignas(NVME_PAGE_BYTES) volatile struct nvme_entry entries[NVME_QUEUE_ENTRIES];
	_Alignas(NVME_PAGE_BYTES) struct nvme_command admin_commands[NVME_ADMIN_ENTRIES];
	_Alignas(NVME_PAGE_BYTES) volatile struct nvme_entry admin_entries[NVME_ADMIN_ENTRIES];
	_Alignas(NVME_PAGE_BYTES) uint8_t page[NVME_PAGE_BYTES]; /* what Identify returns */

	_Alignas(NVME_PAGE_BYTES) enum nvme_state state;
	enum nvme_problem problem;
	uint16_t refused; /* the status of the admin command that failed */
	uint8_t stage;    /* of starting: nvme_stage_text */
	struct nvme_identity identity;

	struct nvme_setup setup;
	struct nvme_queue admin, io;
	uint32_t doorbell_stride; /* bytes */
	uint64_t ready_ticks;     /* CAP.TO */
	uint64_t limit_ticks;     /* setup.limit_ns */
	uint64_t deadline;        /* of the present stage, or of the next completion */
	uint32_t idle_polls;      /* in a row */
	uint64_t usable, busy;    /* command slots, one bit each; the slot is the command's id */
	uint64_t tags[NVME_QUEUE_ENTRIES];
};

/* ---- Starting and stopping ---- */

/*
 * Begins to bring the controller up: afterwards call nvme_step until it no longer says
 * NVME_STARTING. May be called in any state; what was outstanding is forgotten, never completed.
 * Until the controller is ready it may still write into buffers of commands it had.
 */
void nvme_start(struct nvme *nvme, const struct nvme_setup *setup);

/* One step of starting or stopping, without waiting; returns the state. */
enum nvme_state nvme_step(struct nvme *nvme);

/* nvme_start and up to NVME_INIT_STEPS steps; true when the controller is ready. */
bool nvme_init(struct nvme *nvme, const struct nvme_setup *setup);

/*
 * Tells the controller to finish in good order; then nvme_step until it says NVME_OFF. Commands
 * that are outstanding may or may not have been executed: let them complete first.
 */
void nvme_stop(struct nvme *nvme);

/* ---- Reading and writing ---- */

enum nvme_answer {
	NVME_ACCEPTED,
	NVME_FULL,    /* as many commands as fit are outstanding: poll */
	NVME_LENGTH,  /* no block at all, or more than identity.transfer_blocks */
	NVME_ALIGN,   /* the buffer does not begin at a multiple of four bytes */
	NVME_UNREADY, /* state is not NVME_READY */
};

/*
 * Hands a command to the controller. The buffer is the controller's until the tag is completed.
 * A place beyond the namespace's end is for the controller to refuse: it alone knows its size now.
 */
enum nvme_answer nvme_submit_read(
	struct nvme *nvme, uint64_t lba, uint32_t blocks, void *buffer, uint64_t tag);
enum nvme_answer nvme_submit_write(
	struct nvme *nvme, uint64_t lba, uint32_t blocks, const void *buffer, uint64_t tag);
/* Completes when all that completed before it was submitted is on the medium. */
enum nvme_answer nvme_submit_flush(struct nvme *nvme, uint64_t tag);

struct nvme_completion {
	uint64_t tag;
	uint16_t status; /* enum nvme_status or another of the specification's */
	bool final;      /* the same command would fail again (DNR) */
};

enum nvme_event {
	NVME_NOTHING,
	NVME_COMPLETED,
	NVME_DOWN, /* state is not NVME_READY (any more): see problem */
};

/* At most one completion. */
enum nvme_event nvme_poll(struct nvme *nvme, struct nvme_completion *completion);

/*
 * Looks at the controller's status register and at the time the oldest unanswered command has
 * taken. nvme_poll does it by itself now and then; who sleeps until an interrupt calls it by a
 * timer.
 */
enum nvme_event nvme_check(struct nvme *nvme);

/* Commands accepted and not completed. At most 30 instructions. */
unsigned nvme_outstanding(const struct nvme *nvme);

/* ---- In words ---- */

/* The specification's name of a status. At most 30 instructions. */
const char *nvme_status_text(uint16_t status);

/* What is wrong and what to do about it. At most 10 instructions. */
const char *nvme_problem_text(enum nvme_problem problem);

/* Where starting or stopping is, or ended. At most 10 instructions. */
const char *nvme_stage_text(const struct nvme *nvme);

#endif
