/*
 * The local APIC of a framed vcpu: kept in memory, offered to the CPU as a virtual interrupt.
 *
 * Invariant: an interrupt that became due while the vcpu's window was closed is waiting when the
 * next one opens; none is lost, none comes before its time. AMD APM 2, 15.21 (V_IRQ, V_TPR).
 */
#include <arch_internal.h>

#define TPR_CLASS_SHIFT 4u
#define NONE            (-1)

static int highest(const uint64_t set[4])
{
	for (int i = 3; i >= 0; i--)
		if (set[i] != 0)
			return i * 64 + 63 - __builtin_clzll(set[i]);
	return NONE;
}

static void set_vector(uint64_t set[4], unsigned vector)
{
	set[vector / 64] |= 1ull << vector % 64;
}

static void clear_vector(uint64_t set[4], unsigned vector)
{
	set[vector / 64] &= ~(1ull << vector % 64);
}

/* The CPU cleared V_IRQ: the vector it was offered is now in service. */
static void note_delivery(struct vcpu *vcpu)
{
	struct virtual_apic *apic = &vcpu->arch.apic;

	if (apic->injected == NONE || vcpu->arch.vmcb.interrupt & VMCB_V_IRQ)
		return;
	clear_vector(apic->irr, (unsigned)apic->injected);
	set_vector(apic->isr, (unsigned)apic->injected);
	apic->injected = NONE;
}

/* Hardware compares classes itself; TCG lets the class that equals V_TPR through. */
static bool held_back(const struct vcpu *vcpu, int vector)
{
	return quirk_tcg &&
	       (unsigned)vector >> TPR_CLASS_SHIFT <= (vcpu->arch.vmcb.interrupt & VMCB_V_TPR);
}

/* Offer the most urgent waiting vector, if it is above what is in service. */
static void offer(struct vcpu *vcpu)
{
	struct virtual_apic *apic = &vcpu->arch.apic;
	int vector = highest(apic->irr);
	uint64_t control = vcpu->arch.vmcb.interrupt & (VMCB_V_TPR | VMCB_V_INTR_MASKING);

	apic->work = vector != NONE;
	if (vector != NONE &&
		(held_back(vcpu, vector) ||
			vector >> TPR_CLASS_SHIFT <= highest(apic->isr) >> TPR_CLASS_SHIFT))
		vector = NONE;
	apic->injected = vector;
	if (vector != NONE)
		control |= VMCB_V_IRQ |
			   (uint64_t)(vector >> TPR_CLASS_SHIFT) << VMCB_V_PRIORITY_SHIFT |
			   (uint64_t)vector << VMCB_V_VECTOR_SHIFT;
	vcpu->arch.vmcb.interrupt = control;
}

/* What was delivered is noted before it is requested anew, because noting clears the request. */
static COLD void collect_posted(struct vcpu *vcpu)
{
	struct virtual_apic *apic = &vcpu->arch.apic;

	note_delivery(vcpu);
	store_shared(&apic->posted_any, 0);
	for (unsigned i = 0; i < 4; i++)
		apic->irr[i] |= __atomic_exchange_n(&apic->posted[i], 0, __ATOMIC_ACQ_REL);
	apic->work = true;
}

/* Lowered before the bits are taken: a bit posted meanwhile raises it again. */
static inline void take_posted(struct vcpu *vcpu)
{
	if (load_shared(&vcpu->arch.apic.posted_any))
		collect_posted(vcpu);
}

static void request(struct vcpu *vcpu, unsigned vector)
{
	struct virtual_apic *apic = &vcpu->arch.apic;

	note_delivery(vcpu);
	set_vector(apic->irr, vector);
	apic->work = true;
}

/* Next period strictly after now, on the grid the timer was started on. */
static uint64_t next_period(const struct virtual_apic *apic, uint64_t now)
{
	return apic->deadline + ((now - apic->deadline) / apic->period + 1) * apic->period;
}

static void take_timer(struct vcpu *vcpu, uint64_t now)
{
	struct virtual_apic *apic = &vcpu->arch.apic;
	unsigned vector = apic->lvt_timer & APIC_ICR_VECTOR;
	uint64_t due = apic->deadline;

	if (due == 0 || now < due)
		return;
	apic->deadline = apic->period != 0 ? next_period(apic, now) : 0;
	if (apic->lvt_timer & APIC_LVT_MASKED || vector < APIC_FIRST_VECTOR)
		return;
	request(vcpu, vector);
	trace_vcpu(vcpu, MULLION_TRACE_INJECT, vector, due, 0);
}

bool arch_vcpu_poll(struct vcpu *vcpu, uint64_t now)
{
	struct virtual_apic *apic = &vcpu->arch.apic;
	const struct vmcb *vmcb = &vcpu->arch.vmcb;

	take_timer(vcpu, now);
	take_posted(vcpu);
	if (!apic->work)
		return false;
	note_delivery(vcpu);
	offer(vcpu);
	return apic->injected != NONE && vmcb->rflags & RFLAGS_IF &&
	       (unsigned)apic->injected >> TPR_CLASS_SHIFT > (vmcb->interrupt & VMCB_V_TPR);
}

/* The exit path re-enters by itself: an earlier deadline has to be armed here. */
static void deadline_changed(struct vcpu *vcpu)
{
	uint64_t deadline = arch_vcpu_deadline(vcpu);

	if (deadline < vcpu->cpu->limit)
		arch_timer_arm(vcpu->cpu, deadline);
}

void framed_deadline_write(struct vcpu *vcpu, uint64_t deadline)
{
	struct virtual_apic *apic = &vcpu->arch.apic;

	if ((apic->lvt_timer & APIC_LVT_MODE) != APIC_LVT_DEADLINE)
		return;
	apic->deadline = deadline;
	apic->period = 0;
	deadline_changed(vcpu);
}

uint64_t framed_deadline_read(const struct vcpu *vcpu)
{
	const struct virtual_apic *apic = &vcpu->arch.apic;

	return (apic->lvt_timer & APIC_LVT_MODE) == APIC_LVT_DEADLINE ? apic->deadline : 0;
}

/* AMD APM 2, 16.4.1: bits 3, 1 and 0 choose the divider 2, 4, ... 128, 1. */
static unsigned divide_shift(uint32_t divide)
{
	return (((divide & 3) | (divide >> 1 & 4)) + 1) & 7;
}

static uint64_t count_to_ticks(const struct virtual_apic *apic, uint32_t count)
{
	uint64_t counts = (uint64_t)count << divide_shift(apic->divide);

	return (uint64_t)((uint128)counts * mullion_system.arch->timer_inverse >> 32);
}

static void write_initial_count(struct vcpu *vcpu, uint32_t count)
{
	struct virtual_apic *apic = &vcpu->arch.apic;
	uint64_t ticks = count_to_ticks(apic, count);
	bool periodic = (apic->lvt_timer & APIC_LVT_MODE) == APIC_LVT_PERIODIC;

	if ((apic->lvt_timer & APIC_LVT_MODE) == APIC_LVT_DEADLINE)
		return;
	apic->initial_count = count;
	apic->deadline = count == 0 ? 0 : arch_now() + ticks;
	apic->period = periodic ? ticks : 0;
	deadline_changed(vcpu);
}

static uint32_t current_count(const struct virtual_apic *apic)
{
	uint64_t now = arch_now();
	uint64_t left = apic->deadline > now ? apic->deadline - now : 0;

	return (uint32_t)(apic_timer_count(left) >> divide_shift(apic->divide));
}

static void write_lvt_timer(struct virtual_apic *apic, uint32_t value)
{
	uint32_t lvt = value & (APIC_ICR_VECTOR | APIC_LVT_MASKED | APIC_LVT_MODE);

	if ((lvt ^ apic->lvt_timer) & APIC_LVT_MODE)
		apic->deadline = apic->period = 0;
	apic->lvt_timer = lvt;
}

static void end_of_interrupt(struct vcpu *vcpu)
{
	struct virtual_apic *apic = &vcpu->arch.apic;
	int vector;

	note_delivery(vcpu);
	vector = highest(apic->isr);
	if (vector != NONE)
		clear_vector(apic->isr, (unsigned)vector);
	offer(vcpu);
}

/* The class is the CPU's to compare; the sub-class below it is only remembered. */
static void write_task_priority(struct vcpu *vcpu, uint32_t value)
{
	struct vmcb *vmcb = &vcpu->arch.vmcb;

	note_delivery(vcpu);
	vcpu->arch.apic.priority_low = value & 0xf;
	vmcb->interrupt = (vmcb->interrupt & ~VMCB_V_TPR) | (value >> TPR_CLASS_SHIFT & 0xf);
	offer(vcpu);
}

/* Interrupts to oneself take effect before the next instruction, as on hardware. */
static bool send(struct vcpu *vcpu, uint32_t destination, uint32_t command)
{
	vapic_send(vcpu, destination, command);
	take_posted(vcpu);
	note_delivery(vcpu);
	offer(vcpu);
	return true;
}

bool framed_apic_write(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	struct virtual_apic *apic = &vcpu->arch.apic;

	switch (offset) {
	case APIC_EOI:
		end_of_interrupt(vcpu);
		return true;
	case APIC_TIMER_INITIAL:
		write_initial_count(vcpu, (uint32_t)value);
		return true;
	case APIC_TPR:
		write_task_priority(vcpu, (uint32_t)value);
		return true;
	case APIC_LVT_TIMER:
		write_lvt_timer(apic, (uint32_t)value);
		return true;
	case APIC_TIMER_DIVIDE:
		apic->divide = (uint32_t)value & 0xb;
		return true;
	case APIC_ICR:
		return send(vcpu, (uint32_t)(value >> 32), (uint32_t)value);
	case APIC_SELF_IPI:
		return send(vcpu, 0, ((uint32_t)value & APIC_ICR_VECTOR) | APIC_ICR_SELF);
	default:
		return common_apic_write(vcpu, offset, value);
	}
}

static uint64_t vector_word(const uint64_t set[4], uint32_t offset)
{
	unsigned word = offset / 0x10 & 7;

	return (uint32_t)(set[word / 2] >> (word % 2 * 32));
}

/* AMD APM 2, 16.6.4: the higher of the task's class and the class in service. */
static uint64_t processor_priority(const struct vcpu *vcpu)
{
	uint64_t task = vcpu->arch.vmcb.interrupt & VMCB_V_TPR;
	int vector = highest(vcpu->arch.apic.isr);
	uint64_t serving = vector == NONE ? 0 : (uint64_t)vector >> TPR_CLASS_SHIFT;

	return (task > serving ? task : serving) << TPR_CLASS_SHIFT;
}

bool framed_apic_read(struct vcpu *vcpu, uint32_t offset, uint64_t *value)
{
	struct virtual_apic *apic = &vcpu->arch.apic;

	note_delivery(vcpu);
	if (offset >= APIC_ISR && offset < APIC_ESR) {
		*value = offset < APIC_TMR   ? vector_word(apic->isr, offset)
			 : offset < APIC_IRR ? 0
					     : vector_word(apic->irr, offset);
		return true;
	}
	switch (offset) {
	case APIC_TPR:
		*value = (vcpu->arch.vmcb.interrupt & VMCB_V_TPR) << TPR_CLASS_SHIFT |
			 apic->priority_low;
		return true;
	case APIC_PPR:
		*value = processor_priority(vcpu);
		return true;
	case APIC_TIMER_INITIAL:
		*value = apic->initial_count;
		return true;
	case APIC_TIMER_CURRENT:
		*value = current_count(apic);
		return true;
	default:
		return common_apic_read(vcpu, offset, value);
	}
}
