/*
 * What a partition's local APIC is on every CPU alike: its identity, the registers that only
 * remember, and interrupts between the partition's own vcpus.
 *
 * Invariant: no interrupt leaves the partition. INIT does nothing, a start-up IPI starts a vcpu
 * that has not run yet, fixed interrupts reach sibling vcpus with vectors >= 16; NMI and SMI are
 * dropped.
 */
#include <arch_internal.h>

#define VERSION          0x00050014u /* xAPIC, six LVT entries */
#define SVR_BITS         0x1ffu
#define BROADCAST_X2APIC 0xffffffffu
#define BROADCAST_XAPIC  0xffu

void vapic_reset(struct vcpu *vcpu)
{
	struct virtual_apic *apic = &vcpu->arch.apic;

	*apic = (struct virtual_apic){
		.lvt_timer = APIC_LVT_MASKED,
		.spurious = 0xff,
		.destination_format = UINT32_MAX,
		.injected = -1,
	};
	for (unsigned i = 0; i < 6; i++)
		apic->lvt[i] = APIC_LVT_MASKED;
}

/* The entries for sources a partition does not have: they remember what is written, masked. */
static uint32_t *silent_lvt(struct virtual_apic *apic, uint32_t offset)
{
	if (offset < APIC_LVT_THERMAL || offset > APIC_LVT_ERROR)
		return NULL;
	return &apic->lvt[(offset - APIC_LVT_THERMAL) / 0x10];
}

bool common_apic_read(const struct vcpu *vcpu, uint32_t offset, uint64_t *value)
{
	struct virtual_apic *apic = (struct virtual_apic *)&vcpu->arch.apic;
	const uint32_t *lvt = silent_lvt(apic, offset);

	if (lvt != NULL) {
		*value = *lvt;
		return true;
	}
	switch (offset) {
	case APIC_ID:
		*value = vcpu->config->index;
		return true;
	case APIC_VERSION:
		*value = VERSION;
		return true;
	case APIC_LDR:
		*value = apic->logical_destination;
		return true;
	case APIC_DFR:
		*value = apic->destination_format;
		return true;
	case APIC_SVR:
		*value = apic->spurious;
		return true;
	case APIC_LVT_TIMER:
		*value = apic->lvt_timer;
		return true;
	case APIC_TIMER_DIVIDE:
		*value = apic->divide;
		return true;
	case APIC_ICR:
		*value = (uint64_t)apic->icr_high << 32;
		return true;
	case APIC_ICR_HIGH:
		*value = apic->icr_high;
		return true;
	case APIC_ESR:
		*value = 0;
		return true;
	default:
		return false;
	}
}

bool common_apic_write(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	struct virtual_apic *apic = &vcpu->arch.apic;
	uint32_t *lvt = silent_lvt(apic, offset);

	if (lvt != NULL) {
		*lvt = (uint32_t)value | APIC_LVT_MASKED;
		return true;
	}
	switch (offset) {
	case APIC_LDR:
		apic->logical_destination = (uint32_t)value;
		return true;
	case APIC_DFR:
		apic->destination_format = (uint32_t)value;
		return true;
	case APIC_SVR:
		apic->spurious = (uint32_t)value & SVR_BITS;
		return true;
	case APIC_ESR:
		return true;
	case APIC_ICR_HIGH:
		apic->icr_high = (uint32_t)value;
		return true;
	default:
		return false;
	}
}

static bool addressed(
	const struct vcpu *from, uint16_t index, uint32_t destination, uint32_t command)
{
	switch (command & APIC_ICR_SHORTHAND) {
	case APIC_ICR_SELF:
		return index == from->config->index;
	case APIC_ICR_ALL:
		return true;
	case APIC_ICR_OTHERS:
		return index != from->config->index;
	default:
		break;
	}
	if (destination == BROADCAST_X2APIC || destination == BROADCAST_XAPIC)
		return true;
	if (command & APIC_ICR_LOGICAL)
		return index < 16 && destination >> index & 1;
	return destination == index;
}

static void post(struct virtual_apic *apic, uint32_t vector)
{
	__atomic_fetch_or(&apic->posted[vector / 64], 1ull << vector % 64, __ATOMIC_ACQ_REL);
	store_shared(&apic->posted_any, 1);
}

/* A sibling on an owned CPU gets the hardware's own interrupt; on a framed one it is posted. */
static void deliver(struct vcpu *to, uint32_t vector)
{
	if (vcpu_framed(to))
		post(&to->arch.apic, vector);
	else
		apic_send(to->cpu->config->hardware_id, APIC_ICR_FIXED | vector);
}

static void send_one(struct vcpu *from, struct vcpu *to, uint32_t command)
{
	uint32_t vector = command & APIC_ICR_VECTOR;

	switch (command & APIC_ICR_MODE) {
	case APIC_ICR_FIXED:
		if (vector >= APIC_FIRST_VECTOR && load_shared(&to->state) == VCPU_RUNNING)
			deliver(to, vector);
		break;
	case APIC_ICR_STARTUP:
		partition_start_vcpu(from, to->config->index, vector << 12);
		break;
	default:
		break;
	}
}

bool vapic_send(struct vcpu *vcpu, uint32_t destination, uint32_t command)
{
	const struct mullion_partition *partition = vcpu_partition(vcpu);

	for (uint16_t i = 0; i < partition->vcpus; i++)
		if (addressed(vcpu, i, destination, command))
			send_one(vcpu, partition_vcpu(partition, i), command);
	return true;
}
