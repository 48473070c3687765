/*
 * From whatever state the controller is in to one ready I/O queue pair, and back to rest, one stage
 * after the other. Invariant: a stage ends by what the controller shows or by its deadline, never
 * by hope; no stage waits; a controller that does not fit is refused with a reason before it is
 * used.
 *
 * Specification: NVM Express 1.4, 7.6.1 (initialization), 7.6.2 (shutdown), 5.3, 5.4, 5.15, 5.21.
 */
#include <mullion/cpu.h>
#include <mullion/time.h>

#include <nvme/registers.h>

enum stage {
	STAGE_SETTLE,  /* enabled and not ready: disabling has no meaning yet */
	STAGE_DISABLE, /* until RDY is gone */
	STAGE_ENABLE,  /* until RDY is there */
	STAGE_CONTROLLER,
	STAGE_NAMESPACE,
	STAGE_COUNT,
	STAGE_COMPLETIONS,
	STAGE_SUBMISSIONS,
	STAGE_DONE,
	STAGE_SHUTDOWN,
};

const char *nvme_stage_text(const struct nvme *const nvme)
{
	static const char *const texts[] = {
		[STAGE_SETTLE] = "waiting for the controller that was enabled before",
		[STAGE_DISABLE] = "disabling the controller",
		[STAGE_ENABLE] = "enabling the controller",
		[STAGE_CONTROLLER] = "Identify Controller",
		[STAGE_NAMESPACE] = "Identify Namespace",
		[STAGE_COUNT] = "Set Features, Number of Queues",
		[STAGE_COMPLETIONS] = "Create I/O Completion Queue",
		[STAGE_SUBMISSIONS] = "Create I/O Submission Queue",
		[STAGE_DONE] = "reading and writing",
		[STAGE_SHUTDOWN] = "shutting down",
	};

	return texts[nvme->stage <= STAGE_SHUTDOWN ? nvme->stage : STAGE_SHUTDOWN];
}

/* ---- Before the first register is written ---- */

static volatile uint32_t *doorbell(const struct nvme *const nvme, const uint32_t number)
{
	return (volatile uint32_t *)((volatile uint8_t *)nvme->setup.registers + NVME_DOORBELLS +
				     (uint64_t)number * nvme->doorbell_stride);
}

static void queue_init(struct nvme *const nvme, struct nvme_queue *const queue, const uint32_t id,
	const uint32_t size, struct nvme_command *const commands,
	volatile struct nvme_entry *const entries)
{
	*queue = (struct nvme_queue){
		.commands = commands,
		.entries = entries,
		.tail_doorbell = doorbell(nvme, 2 * id),
		.head_doorbell = doorbell(nvme, 2 * id + 1),
		.size = size,
		.id = id,
		.phase = NVME_ENTRY_PHASE,
	};
	/* An entry is new when its phase is 1: none is. */
	for (uint32_t i = 0; i < size && i < NVME_QUEUE_ENTRIES; i++)
		entries[i].status = 0;
}

static enum nvme_problem capabilities_judge(const struct nvme *const nvme, const uint64_t cap)
{
	const uint64_t stride = 4ull << NVME_CAP_DSTRD(cap);

	if (nvme->setup.registers_bytes < NVME_DOORBELLS + (2 * NVME_IO_QUEUE + 2) * stride)
		return NVME_PROBLEM_REGISTERS;
	if (!(cap & NVME_CAP_CSS_NVM))
		return NVME_PROBLEM_COMMAND_SET;
	if (NVME_CAP_MPSMIN(cap) != 0)
		return NVME_PROBLEM_PAGES;
	return NVME_PROBLEM_NONE;
}

static void capabilities_use(struct nvme *const nvme, const uint64_t cap)
{
	const uint32_t most = NVME_CAP_MQES(cap) + 1;
	const uint32_t size = most < 2 ? 2 : most < NVME_QUEUE_ENTRIES ? most : NVME_QUEUE_ENTRIES;
	const uint64_t units = NVME_CAP_TO(cap) != 0 ? NVME_CAP_TO(cap) : 1;

	nvme->doorbell_stride = 4u << NVME_CAP_DSTRD(cap);
	nvme->ready_ticks = time_ticks_from_ns(units * NVME_CAP_TO_UNIT_NS);
	nvme->limit_ticks = time_ticks_from_ns(
		nvme->setup.limit_ns != 0 ? nvme->setup.limit_ns : NVME_LIMIT_NS);
	nvme->usable = (1ull << (size - 1)) - 1;
	queue_init(nvme, &nvme->admin, 0, NVME_ADMIN_ENTRIES, nvme->admin_commands,
		nvme->admin_entries);
	queue_init(nvme, &nvme->io, NVME_IO_QUEUE, size, nvme->commands, nvme->entries);
}

static void stage_begin(struct nvme *const nvme, const enum stage stage, const uint64_t ticks)
{
	nvme->stage = (uint8_t)stage;
	nvme_expect(nvme, ticks);
}

static void disable(struct nvme *const nvme)
{
	const uint32_t configuration = nvme_read32(nvme, NVME_CC);

	nvme_write32(nvme, NVME_CC, configuration & ~(NVME_CC_EN | NVME_CC_SHN_MASK));
	stage_begin(nvme, STAGE_DISABLE, nvme->ready_ticks);
}

void nvme_start(struct nvme *const nvme, const struct nvme_setup *const setup)
{
	uint64_t cap;
	uint32_t status;

	nvme->setup = *setup;
	if (nvme->setup.namespace_id == 0)
		nvme->setup.namespace_id = 1;
	nvme->state = NVME_STARTING;
	nvme->stage = STAGE_SETTLE;
	nvme->problem = NVME_PROBLEM_NONE;
	nvme->refused = NVME_STATUS_SUCCESS;
	nvme->busy = 0;
	if (setup->registers_bytes < NVME_DOORBELLS) {
		nvme_fail(nvme, NVME_PROBLEM_REGISTERS);
		return;
	}
	cap = mmio_read64((volatile uint8_t *)setup->registers + NVME_CAP);
	status = nvme_read32(nvme, NVME_CSTS);
	nvme->problem = status == NVME_ALL_ONES ? NVME_PROBLEM_GONE : capabilities_judge(nvme, cap);
	if (nvme->problem != NVME_PROBLEM_NONE) {
		nvme_fail(nvme, nvme->problem);
		return;
	}
	capabilities_use(nvme, cap);
	/* 3.1.6: clearing EN before RDY followed it is undefined; a fatal controller never follows. */
	if ((nvme_read32(nvme, NVME_CC) & NVME_CC_EN) &&
		!(status & (NVME_CSTS_RDY | NVME_CSTS_CFS)))
		stage_begin(nvme, STAGE_SETTLE, nvme->ready_ticks);
	else
		disable(nvme);
}

/* ---- Stages that wait for a register ---- */

static void enable(struct nvme *const nvme)
{
	/* 3.1.3: with MSI-X this register is not to be touched; without, its pin stays silent. */
	if (!nvme->setup.interrupts)
		nvme_write32(nvme, NVME_INTMS, 0xffffffffu);
	nvme_write32(nvme, NVME_AQA, (NVME_ADMIN_ENTRIES - 1) << 16 | (NVME_ADMIN_ENTRIES - 1));
	nvme_write64(nvme, NVME_ASQ, (uintptr_t)nvme->admin_commands);
	nvme_write64(nvme, NVME_ACQ, (uintptr_t)nvme->admin_entries);
	nvme_write32(nvme, NVME_CC, NVME_CC_IOCQES | NVME_CC_IOSQES | NVME_CC_EN);
	stage_begin(nvme, STAGE_ENABLE, nvme->ready_ticks);
}

static void admin_submit(struct nvme *const nvme, const enum stage stage, const uint32_t opcode,
	const uint32_t namespace_id, const void *const page, const uint32_t dword10,
	const uint32_t dword11)
{
	const uint64_t address = (uintptr_t)page;
	struct nvme_command command = { 0 };

	command.dword[0] = (uint32_t)stage << 16 | opcode; /* the stage is the command's id */
	command.dword[1] = namespace_id;
	command.dword[6] = (uint32_t)address;
	command.dword[7] = (uint32_t)(address >> 32);
	command.dword[10] = dword10;
	command.dword[11] = dword11;
	stage_begin(nvme, stage, nvme->limit_ticks);
	nvme_queue_put(&nvme->admin, &command);
}

static void register_step(struct nvme *const nvme, const uint32_t status)
{
	const bool ready = (status & NVME_CSTS_RDY) != 0, fatal = (status & NVME_CSTS_CFS) != 0;

	if (nvme->stage == STAGE_SETTLE && (ready || fatal))
		disable(nvme);
	else if (nvme->stage == STAGE_DISABLE && !ready)
		enable(nvme);
	else if (nvme->stage == STAGE_ENABLE && fatal)
		nvme_fail(nvme, NVME_PROBLEM_FATAL);
	else if (nvme->stage == STAGE_ENABLE && ready)
		admin_submit(nvme, STAGE_CONTROLLER, NVME_ADMIN_IDENTIFY, 0, nvme->page,
			NVME_CNS_CONTROLLER, 0);
	else if (tsc_read() > nvme->deadline)
		nvme_fail(nvme, NVME_PROBLEM_NOT_READY);
}

/* ---- Stages that wait for an admin command ---- */

/* The controller's text: not ended by a zero, and not to be trusted to be printable. */
static void text_copy(char *const to, const uint8_t *const from, const uint32_t bytes)
{
	uint32_t length = 0;

	for (uint32_t i = 0; i < bytes; i++) {
		to[i] = from[i] >= 0x20 && from[i] < 0x7f ? (char)from[i] : '?';
		if (to[i] != ' ')
			length = i + 1;
	}
	to[length] = '\0';
}

static uint64_t little_endian(const uint8_t *const from)
{
	uint64_t value;

	__builtin_memcpy(&value, from, sizeof(value));
	return value;
}

static enum nvme_problem controller_judge(struct nvme *const nvme)
{
	const uint8_t *const id = nvme->page;
	const uint32_t mdts = id[NVME_IDC_MDTS]; /* pages of the smallest size, a power of two */
	uint32_t bytes = NVME_TRANSFER_BYTES;

	if ((id[NVME_IDC_SQES] & 0xf) > 6 || (id[NVME_IDC_CQES] & 0xf) > 4)
		return NVME_PROBLEM_ENTRIES;
	text_copy(nvme->identity.serial, id + NVME_IDC_SERIAL, 20);
	text_copy(nvme->identity.model, id + NVME_IDC_MODEL, 40);
	text_copy(nvme->identity.firmware, id + NVME_IDC_FIRMWARE, 8);
	nvme->identity.write_cache = (id[NVME_IDC_VWC] & 1) != 0;
	if (mdts != 0 && mdts < 20 && (NVME_PAGE_BYTES << mdts) < bytes)
		bytes = NVME_PAGE_BYTES << mdts;
	nvme->identity.transfer_blocks = bytes; /* until the size of a block is known */
	return NVME_PROBLEM_NONE;
}

static enum nvme_problem namespace_judge(struct nvme *const nvme)
{
	const uint8_t *const id = nvme->page;
	const uint32_t format = id[NVME_IDN_FLBAS] & NVME_IDN_FORMAT_LAST;
	const uint8_t *const lbaf = id + NVME_IDN_FORMATS + 4 * format;
	const uint32_t shift = lbaf[2], bytes = nvme->identity.transfer_blocks;

	nvme->identity.blocks = little_endian(id + NVME_IDN_SIZE);
	if (nvme->identity.blocks == 0)
		return NVME_PROBLEM_NAMESPACE;
	if (lbaf[0] != 0 || lbaf[1] != 0 || (id[NVME_IDN_DPS] & 7) != 0)
		return NVME_PROBLEM_METADATA;
	if (shift < 9 || shift > 31 || 1u << shift > bytes)
		return NVME_PROBLEM_BLOCKS;
	nvme->identity.block_bytes = 1u << shift;
	nvme->identity.transfer_blocks = bytes >> shift;
	return NVME_PROBLEM_NONE;
}

static void queues_count(struct nvme *const nvme)
{
	/* One of each, counted from 0. */
	admin_submit(nvme, STAGE_COUNT, NVME_ADMIN_SET_FEATURES, 0, NULL, NVME_FEATURE_QUEUES, 0);
}

static void completions_create(struct nvme *const nvme)
{
	const uint32_t interrupts =
		nvme->setup.interrupts ? (uint32_t)nvme->setup.message << 16 | NVME_CQ_INTERRUPTS
				       : 0;

	admin_submit(nvme, STAGE_COMPLETIONS, NVME_ADMIN_CREATE_CQ, 0,
		(const void *)nvme->io.entries, (nvme->io.size - 1) << 16 | NVME_IO_QUEUE,
		interrupts | NVME_PHYSICALLY_CONT);
}

static void submissions_create(struct nvme *const nvme)
{
	admin_submit(nvme, STAGE_SUBMISSIONS, NVME_ADMIN_CREATE_SQ, 0, nvme->io.commands,
		(nvme->io.size - 1) << 16 | NVME_IO_QUEUE,
		NVME_IO_QUEUE << 16 | NVME_PHYSICALLY_CONT);
}

/* What the answered stage leads to. */
static void stage_follow(struct nvme *const nvme)
{
	enum nvme_problem problem = NVME_PROBLEM_NONE;

	if (nvme->stage == STAGE_CONTROLLER)
		problem = controller_judge(nvme);
	else if (nvme->stage == STAGE_NAMESPACE)
		problem = namespace_judge(nvme);
	if (problem != NVME_PROBLEM_NONE) {
		nvme_fail(nvme, problem);
		return;
	}
	switch (nvme->stage) {
	case STAGE_CONTROLLER:
		admin_submit(nvme, STAGE_NAMESPACE, NVME_ADMIN_IDENTIFY, nvme->setup.namespace_id,
			nvme->page, NVME_CNS_NAMESPACE, 0);
		break;
	case STAGE_NAMESPACE:
		queues_count(nvme);
		break;
	case STAGE_COUNT:
		completions_create(nvme);
		break;
	case STAGE_COMPLETIONS:
		submissions_create(nvme);
		break;
	default:
		nvme->stage = STAGE_DONE;
		nvme->state = NVME_READY;
	}
}

static void admin_step(struct nvme *const nvme, const uint32_t status)
{
	struct nvme_entry entry;
	bool sane;

	if (!nvme_queue_take(&nvme->admin, &entry, &sane)) {
		if (status & NVME_CSTS_CFS)
			nvme_fail(nvme, NVME_PROBLEM_FATAL);
		else if (!(status & NVME_CSTS_RDY))
			nvme_fail(nvme, NVME_PROBLEM_RESET);
		else if (tsc_read() > nvme->deadline)
			nvme_fail(nvme, NVME_PROBLEM_SILENT);
		return;
	}
	if (!sane || entry.id != nvme->stage) {
		nvme_fail(nvme, NVME_PROBLEM_COMPLETION);
		return;
	}
	nvme->refused = NVME_ENTRY_STATUS(entry.status);
	if (nvme->refused != NVME_STATUS_SUCCESS)
		nvme_fail(nvme, NVME_PROBLEM_REFUSED);
	else
		stage_follow(nvme);
}

static void shutdown_step(struct nvme *const nvme, const uint32_t status)
{
	if ((status & NVME_CSTS_SHST_MASK) == NVME_CSTS_SHST_DONE)
		nvme->state = NVME_OFF;
	else if (status & NVME_CSTS_CFS)
		nvme_fail(nvme, NVME_PROBLEM_FATAL);
	else if (tsc_read() > nvme->deadline)
		nvme_fail(nvme, NVME_PROBLEM_SILENT);
}

enum nvme_state nvme_step(struct nvme *const nvme)
{
	uint32_t status;

	if (nvme->state != NVME_STARTING && nvme->state != NVME_STOPPING)
		return nvme->state;
	status = nvme_read32(nvme, NVME_CSTS);
	if (status == NVME_ALL_ONES)
		nvme_fail(nvme, NVME_PROBLEM_GONE);
	else if (nvme->stage == STAGE_SHUTDOWN)
		shutdown_step(nvme, status);
	else if (nvme->stage >= STAGE_CONTROLLER)
		admin_step(nvme, status);
	else
		register_step(nvme, status);
	return nvme->state;
}

bool nvme_init(struct nvme *const nvme, const struct nvme_setup *const setup)
{
	nvme_start(nvme, setup);
	for (uint32_t i = 0; i < NVME_INIT_STEPS && nvme->state == NVME_STARTING; i++) {
		nvme_step(nvme);
		cpu_pause();
	}
	if (nvme->state == NVME_STARTING)
		nvme_fail(nvme, NVME_PROBLEM_STEPS);
	return nvme->state == NVME_READY;
}

void nvme_stop(struct nvme *const nvme)
{
	uint32_t configuration;

	if (nvme->state != NVME_READY)
		return;
	configuration = nvme_read32(nvme, NVME_CC) & ~NVME_CC_SHN_MASK;
	nvme_write32(nvme, NVME_CC, configuration | NVME_CC_SHN_NORMAL);
	nvme->state = NVME_STOPPING;
	stage_begin(nvme, STAGE_SHUTDOWN, nvme->limit_ticks);
}
