/*
 * smp: starts every vcpu of its partition by INIT-SIPI-SIPI, sends fixed interrupts between all of
 * them, and checks that each arrives exactly once, that identities are right and that all clocks
 * agree.
 *
 * Argument n=100: interrupts per pair. Natively: vcpus=N with qemu -smp N.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/args.h>
#include <mullion/info.h>
#include <mullion/irq.h>
#include <mullion/smp.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#define VECTOR         0x70u
#define PATIENCE_TICKS 4000000000ull
#define ALL_BUT_SELF   (3u << 18)
#define SELF           (1u << 18)

struct order {
	unsigned target;
	uint64_t count;
	uint64_t lost;
	uint32_t id;
	unsigned vcpu;
	uint64_t tsc;
};

static volatile uint64_t received[SMP_MAX_VCPUS];

static void on_interrupt(struct irq_frame *const frame)
{
	(void)frame;
	received[smp_vcpu()]++;
}

/* Interrupts of one vector merge while one is pending, so each is waited for before the next. */
static uint64_t send_one_by_one(const unsigned target, const uint32_t low, const uint64_t count)
{
	uint64_t lost = 0;

	for (uint64_t i = 0; i < count; i++) {
		const uint64_t before = received[target], end = tsc_read() + PATIENCE_TICKS;

		apic_send(target, low | APIC_ICR_ASSERT | VECTOR);
		while (received[target] == before && tsc_read() < end)
			cpu_pause();
		lost += received[target] != before + 1;
	}
	return lost;
}

static void send_order(void *const argument)
{
	struct order *const order = argument;

	irq_enable();
	order->id = apic_id();
	order->vcpu = smp_vcpu();
	order->lost = send_one_by_one(order->target, APIC_ICR_FIXED, order->count);
	order->tsc = tsc_read();
	irq_disable();
}

/* vcpu 0 must take interrupts while another sends to it, so it waits with interrupts on. */
static void run_order(const unsigned vcpu, struct order *const order)
{
	smp_run(vcpu, send_order, order);
	irq_enable();
	while (smp_busy(vcpu))
		cpu_pause();
	irq_disable();
}

static void check_identity(const unsigned vcpu)
{
	struct order order = { .target = 0, .count = 0 };

	run_order(vcpu, &order);
	tap_check(order.id == vcpu && order.vcpu == vcpu, "a_started_vcpu_knows_its_number",
		"vcpu %u has APIC id %" PRIu32 ", says %u", vcpu, order.id, order.vcpu);
}

static void check_to(const unsigned vcpu, const uint64_t n)
{
	uint64_t lost;

	irq_enable();
	lost = send_one_by_one(vcpu, APIC_ICR_FIXED, n);
	irq_disable();
	tap_check(lost == 0, "every_interrupt_to_another_vcpu_arrives_once",
		"to vcpu %u: %" PRIu64 " of %" PRIu64 " did not", vcpu, lost, n);
}

static void check_from(const unsigned vcpu, const unsigned target, const uint64_t n)
{
	struct order order = { .target = target, .count = n };
	const uint64_t before = received[target];

	run_order(vcpu, &order);
	tap_check(order.lost == 0 && received[target] == before + n,
		"every_interrupt_from_another_vcpu_arrives_once",
		"from vcpu %u to %u: %" PRIu64 " of %" PRIu64, vcpu, target,
		received[target] - before, n);
}

static void check_clock(const unsigned vcpu)
{
	struct order order = { .target = 0, .count = 0 };
	const uint64_t before = tsc_read();

	run_order(vcpu, &order);
	tap_check(before <= order.tsc && order.tsc <= tsc_read(), "the_clocks_of_all_vcpus_agree",
		"vcpu %u: %" PRIu64 " after, not between", vcpu, order.tsc - before);
}

static void check_broadcast(const unsigned vcpus)
{
	const uint64_t end = tsc_read() + PATIENCE_TICKS;
	const uint64_t own = received[0];
	uint64_t before[SMP_MAX_VCPUS];
	unsigned missing;

	for (unsigned v = 0; v < vcpus; v++)
		before[v] = received[v];
	apic_send(0, ALL_BUT_SELF | APIC_ICR_ASSERT | VECTOR);
	irq_enable();
	do {
		missing = 0;
		for (unsigned v = 1; v < vcpus; v++)
			missing += received[v] != before[v] + 1;
		cpu_pause();
	} while (missing != 0 && tsc_read() < end);
	irq_disable();
	tap_check(missing == 0 && received[0] == own,
		"a_broadcast_reaches_all_others_and_not_the_sender",
		"%u missing, sender got %" PRIu64, missing, received[0] - own);
}

static void check_self(void)
{
	uint64_t lost;

	irq_enable();
	lost = send_one_by_one(0, SELF, 10);
	irq_disable();
	tap_check(lost == 0, "an_interrupt_to_oneself_arrives_once", "%" PRIu64 " of 10 did not",
		lost);
}

int main(void)
{
	const uint64_t n = args_number("n", 100);
	const unsigned vcpus = info_vcpus() < SMP_MAX_VCPUS ? info_vcpus() : SMP_MAX_VCPUS;
	unsigned running;

	if (vcpus < 2) {
		printf("1..0 # SKIP this partition has one vcpu\n");
		return 0;
	}
	tap_plan(3 + (vcpus - 1) * 5);
	irq_disable();
	irq_set_handler(VECTOR, on_interrupt);
	running = smp_start_all();
	tap_check(running == vcpus, "every_vcpu_starts", "%u of %u run", running, vcpus);
	if (running != vcpus)
		return 1;
	for (unsigned v = 1; v < vcpus; v++) {
		check_identity(v);
		check_to(v, n);
		check_from(v, 0, n);
		check_from(v, v % (vcpus - 1) + 1, n);
		check_clock(v);
	}
	check_broadcast(vcpus);
	check_self();
	return tap_status();
}
