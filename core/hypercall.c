/*
 * Hypercalls: few, each of bounded cost, each costing only its caller's time. ABI: mullion/abi.h.
 */
#include <mullion/core.h>

static struct hypercall_result answer(int64_t value)
{
	return (struct hypercall_result){ .value = value };
}

/* A stop or shutdown shows in the vcpu's and the node's state: the exit path leaves by itself. */
static int64_t raise(struct vcpu *vcpu, enum mullion_event event, uint64_t detail)
{
	health_raise(vcpu, event, detail, 0);
	return MULLION_OK;
}

static int64_t doorbell(const struct vcpu *vcpu, uint64_t index)
{
	const struct mullion_channel *channel;

	if (index >= mullion_system.channels_count)
		return MULLION_EINVAL;
	channel = &mullion_system.channels[index];
	if (channel->from != vcpu->config->partition || channel->doorbells_count == 0)
		return MULLION_EINVAL;
	for (uint16_t i = 0; i < channel->doorbells_count; i++)
		arch_doorbell(
			&system_vcpus[channel->doorbells[i].vcpu], channel->doorbells[i].vector);
	return MULLION_OK;
}

/* ---- Control ---- */

/* Another partition than the caller's own; NULL if there is none of that number. */
static const struct mullion_partition *another(const struct vcpu *vcpu, uint64_t index)
{
	if (index >= mullion_system.partitions_count || index == vcpu->config->partition)
		return NULL;
	return &mullion_system.partitions[index];
}

static int64_t control_restart(const struct mullion_partition *partition, uint64_t how)
{
	if (how > MULLION_RESTART_COLD)
		return MULLION_EINVAL;
	return partition_restart(partition, (enum mullion_restart)how, MULLION_REASON_COMMAND)
		       ? MULLION_OK
		       : MULLION_EAGAIN;
}

static int64_t control_start(const struct mullion_partition *partition)
{
	if (load_shared(&partition->status->state) == MULLION_STATE_RUNNING)
		return MULLION_EINVAL;
	return control_restart(partition, MULLION_RESTART_WARM);
}

static int64_t control_stop(const struct mullion_partition *partition)
{
	if (load_shared(&partition->status->state) == MULLION_STATE_STOPPED)
		return MULLION_OK;
	return partition_stop(partition, MULLION_REASON_COMMAND) ? MULLION_OK : MULLION_EAGAIN;
}

static int64_t control_shutdown(uint64_t how)
{
	if (how > 1)
		return MULLION_EINVAL;
	if (how == 1)
		node_reset();
	else
		node_end(true);
	return MULLION_OK;
}

/* A stopped partition's memory and registers are nobody's: its vcpus have left, none can enter. */
static int64_t control_registers(const struct mullion_partition *partition, uint64_t index)
{
	const struct vcpu *vcpu;

	if (index >= partition->vcpus)
		return MULLION_EINVAL;
	vcpu = partition_vcpu(partition, (uint16_t)index);
	/* Its CPU puts away what it holds of it at its next window. */
	if (__atomic_load_n(&vcpu->cpu->loaded, __ATOMIC_ACQUIRE) == vcpu)
		return MULLION_EAGAIN;
	arch_vcpu_registers(vcpu);
	return MULLION_OK;
}

static int64_t control_exchange(const struct mullion_partition *partition, uint64_t block, bool in)
{
	if (!partition_rests(partition))
		return MULLION_EAGAIN;
	if (block & MULLION_PEEK_VCPU)
		return in ? MULLION_EINVAL
			  : control_registers(partition, block - MULLION_PEEK_VCPU);
	return arch_memory_exchange(partition, block, in) ? MULLION_OK : MULLION_EINVAL;
}

static int64_t control_partition(
	const struct mullion_partition *partition, uint64_t number, uint64_t argument)
{
	if (partition == NULL)
		return MULLION_EINVAL;
	switch (number) {
	case MULLION_HC_STOP:
		return control_stop(partition);
	case MULLION_HC_START:
		return control_start(partition);
	case MULLION_HC_RESTART:
		return control_restart(partition, argument);
	default:
		return control_exchange(partition, argument, number == MULLION_HC_POKE);
	}
}

static int64_t control(struct vcpu *vcpu, uint64_t number, uint64_t first, uint64_t second)
{
	if (!(vcpu_partition(vcpu)->flags & MULLION_INFO_CONTROL) || number >= MULLION_HC_COUNT)
		return MULLION_ENOSYS;
	if (number == MULLION_HC_SCHEDULE)
		return schedule_switch(vcpu->cpu, first);
	if (number == MULLION_HC_SHUTDOWN)
		return control_shutdown(first);
	return control_partition(another(vcpu, first), number, second);
}

static COLD int64_t other(struct vcpu *vcpu, uint64_t number, uint64_t first, uint64_t second)
{
	switch (number) {
	case MULLION_HC_RAISE:
		return raise(vcpu, MULLION_EVENT_RAISED, first);
	case MULLION_HC_EXIT:
		return raise(vcpu, MULLION_EVENT_EXIT, first);
	case MULLION_HC_DOORBELL:
		return doorbell(vcpu, first);
	default:
		return control(vcpu, number, first, second);
	}
}

struct hypercall_result hypercall(
	struct vcpu *vcpu, uint64_t number, uint64_t argument, uint64_t second)
{
	if (number == MULLION_HC_VERSION)
		return answer(MULLION_ABI_VERSION);
	if (number == MULLION_HC_YIELD)
		return (struct hypercall_result){ .value = MULLION_OK, .leave = true };
	return answer(other(vcpu, number, argument, second));
}
