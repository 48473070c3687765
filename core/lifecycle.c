/*
 * A partition's life: running, stopped, restarting.
 *
 * Invariant: what it is doing is one atomic word, in its status page. Whoever changes it takes it to
 * CHANGING by one compare-and-exchange, does all there is to do, and only then says what it is now; so
 * a vcpu's state is never changed by two. Only the CPU of its vcpu 0 takes its devices off the bus and
 * restores it, in the partition's own windows, a bounded step at a time, and not before every vcpu of it has
 * left; the step belongs to that CPU from when the partition stops running until it runs. Nobody waits for anybody.
 */
#include <mullion/core.h>

/* A stopped partition is taken as far as STEP_REST, a restarting one through all. */
enum restore_step {
	STEP_LEAVE = 0,
	STEP_QUIET,
	STEP_REST,
	STEP_ZERO,
	STEP_COPY,
	STEP_DEVICES,
	STEP_START,
};

/* A step clears or copies this much: well within a guard, as all steps are. */
#define SLICE_BYTES 512u

static struct partition *life_of(const struct mullion_partition *partition)
{
	return &system_partitions[partition - mullion_system.partitions];
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * The words beside the state are for people: the state alone decides. They belong to whoever took it to
 * CHANGING, or restores.
 */
static void note(const struct mullion_partition *partition, uint32_t reason)
{
	struct mullion_status *status = partition->status;

	status->since_tsc = arch_now();
	if (reason != 0)
		status->reason = reason;
	__atomic_add_fetch(&status->changes, 1, __ATOMIC_RELEASE);
}

static bool change(const struct mullion_partition *partition, uint32_t from, uint32_t to)
{
	return exchange_shared(&partition->status->state, from, to);
}

/* A framed CPU is never interrupted for another CPU's sake: it looks at its next exit or window. */
static void notify(const struct vcpu *vcpu)
{
	if (!vcpu_framed(vcpu))
		arch_kick(vcpu->cpu);
}

static void leave_all(const struct mullion_partition *partition)
{
	for (uint16_t i = 0; i < partition->vcpus; i++) {
		struct vcpu *vcpu = partition_vcpu(partition, i);

		store_shared(&vcpu->state, VCPU_STOPPED);
		notify(vcpu);
	}
}

bool partition_stop(const struct mullion_partition *partition, uint32_t reason)
{
	if (!change(partition, MULLION_STATE_RUNNING, MULLION_STATE_CHANGING))
		return false;
	life_of(partition)->step = STEP_LEAVE;
	leave_all(partition);
	note(partition, reason);
	/* An exchange: of two CPUs that stop the last two partitions, one at least sees both stopped. */
	__atomic_exchange_n(&partition->status->state, MULLION_STATE_STOPPED, __ATOMIC_SEQ_CST);
	partition_stopped();
	return true;
}

/* What was stopped for good comes back by command alone, whatever its devices or siblings still raise. */
bool partition_restart(
	const struct mullion_partition *partition, enum mullion_restart how, uint32_t reason)
{
	struct partition *life = life_of(partition);
	bool ran = change(partition, MULLION_STATE_RUNNING, MULLION_STATE_CHANGING);

	if (!ran && (reason != MULLION_REASON_COMMAND ||
			    !change(partition, MULLION_STATE_STOPPED, MULLION_STATE_CHANGING)))
		return false;
	life->restart = how;
	if (ran) {
		life->step = STEP_LEAVE;
		leave_all(partition);
	}
	note(partition, reason);
	store_shared(&partition->status->state, MULLION_STATE_RESTARTING);
	if (!ran)
		notify(partition_vcpu(partition, 0));
	return true;
}

/* A vcpu's CPU says it is inside before it looks at the state, and here the state was set before. */
bool partition_left(const struct mullion_partition *partition)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (uint16_t i = 0; i < partition->vcpus; i++)
		if (load_shared(&partition_vcpu(partition, i)->inside))
			return false;
	return true;
}

/* Devices write into memory: those of a stopped partition until they are off the bus. */
bool partition_rests(const struct mullion_partition *partition)
{
	return load_shared(&partition->status->state) == MULLION_STATE_STOPPED &&
	       partition_left(partition) &&
	       (load_shared(&life_of(partition)->step) == STEP_REST ||
		       !arch_devices_any(partition));
}

static void next_step(struct partition *life, enum restore_step step)
{
	life->at = 0;
	life->done = 0;
	store_shared(&life->step, step);
}

static void left(const struct mullion_partition *partition, struct partition *life)
{
	if (!partition_left(partition))
		return;
	life->not_before = 0;
	next_step(life, STEP_QUIET);
}

static void quiet(const struct mullion_partition *partition, struct partition *life)
{
	if (arch_devices_quiet(partition, life))
		next_step(life, STEP_REST);
}

static void rise(struct partition *life)
{
	life->begun = arch_now();
	next_step(life, life->restart == MULLION_RESTART_COLD ? STEP_ZERO : STEP_DEVICES);
}

static void zero(const struct mullion_partition *partition, struct partition *life)
{
	const struct mullion_span *span = &partition->writable[life->at];
	uint64_t bytes = smaller(span->bytes - life->done, SLICE_BYTES);

	arch_memory_zero(partition, span->gpa + life->done, bytes);
	life->done += bytes;
	if (life->done < span->bytes)
		return;
	life->done = 0;
	if (++life->at == partition->own_count)
		next_step(life, partition->image_count != 0 ? STEP_COPY : STEP_DEVICES);
}

static void copy(const struct mullion_partition *partition, struct partition *life)
{
	const struct mullion_copy *piece = &partition->image[life->at];
	uint64_t bytes = smaller(piece->bytes - life->done, SLICE_BYTES);

	arch_memory_copy(partition, piece->gpa + life->done, piece->source + life->done, bytes);
	life->done += bytes;
	if (life->done < piece->bytes)
		return;
	life->done = 0;
	if (++life->at == partition->image_count)
		next_step(life, STEP_DEVICES);
}

void partition_clear(const struct mullion_partition *partition)
{
	for (uint16_t i = 0; i < partition->writable_count; i++)
		arch_memory_zero(
			partition, partition->writable[i].gpa, partition->writable[i].bytes);
	for (uint16_t i = 0; i < partition->image_count; i++)
		arch_memory_copy(partition, partition->image[i].gpa, partition->image[i].source,
			partition->image[i].bytes);
}

/* Devices that are being reset answer nobody for a while. */
static void devices(const struct mullion_partition *partition, struct partition *life)
{
	if (arch_now() >= life->not_before && arch_devices_resume(partition, life))
		next_step(life, STEP_START);
}

/* From the moment it runs anybody may stop it: its vcpus' states are set before. */
static void start(const struct mullion_partition *partition, struct partition *life)
{
	partition->status->restarts++;
	life->watchdog_since = arch_now();
	for (uint16_t i = 1; i < partition->vcpus; i++)
		store_shared(&partition_vcpu(partition, i)->state, VCPU_OFF);
	trace_vcpu(partition_vcpu(partition, 0), MULLION_TRACE_RESTART, life->restart,
		arch_now() - life->begun, 0);
	store_shared(&partition_vcpu(partition, 0)->state, VCPU_STARTING);
	note(partition, 0);
	store_shared(&partition->status->state, MULLION_STATE_RUNNING);
}

static COLD void prepare_step(const struct mullion_partition *partition, struct partition *life)
{
	if (life->step == STEP_LEAVE)
		left(partition, life);
	else if (life->step == STEP_QUIET)
		quiet(partition, life);
	else
		rise(life);
}

static void restore_step(const struct mullion_partition *partition, struct partition *life)
{
	if (life->step < STEP_ZERO) {
		prepare_step(partition, life);
		return;
	}
	switch (life->step) {
	case STEP_ZERO:
		zero(partition, life);
		break;
	case STEP_COPY:
		copy(partition, life);
		break;
	case STEP_DEVICES:
		devices(partition, life);
		break;
	default:
		start(partition, life);
		break;
	}
}

static bool has_steps(const struct mullion_partition *partition)
{
	uint32_t step = load_shared(&life_of(partition)->step);
	uint32_t state = load_shared(&partition->status->state);

	return state == MULLION_STATE_RESTARTING ||
	       (state == MULLION_STATE_STOPPED && step < STEP_REST);
}

bool partition_changes(const struct mullion_partition *partition)
{
	return load_shared(&partition->status->state) == MULLION_STATE_CHANGING ||
	       has_steps(partition);
}

bool partition_restore(struct vcpu *vcpu, uint64_t until)
{
	const struct mullion_partition *partition = vcpu_partition(vcpu);
	struct partition *life = life_of(partition);

	if (vcpu->config->index != 0)
		return false;
	while (has_steps(partition) && arch_now() < until && !node_ending())
		restore_step(partition, life);
	return load_shared(&vcpu->state) == VCPU_STARTING;
}
