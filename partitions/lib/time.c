/*
 * Time without an exit. Invariant: under Mullion the frequency is the description's exact fraction;
 * nothing is measured there. Elsewhere the first source that answers wins, the PIT comes last.
 *
 * Specification: Intel SDM 3B, 18.7.3 (CPUID 15h); Xen cpuid leaf base+3; 8254 data sheet, mode 0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mullion/args.h>
#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/platform.h>
#include <mullion/time.h>

#define NS_PER_S 1000000000ull
#define VMWARE_TIMING_LEAF                                                                         \
	0x10u /* offset from the hypervisor base: EAX = TSC kHz; KVM has it too */

#define PIT_HZ             1193182ull
#define PIT_COUNT          11932u /* about 10 ms */
#define PIT_CHANNEL2       0x42
#define PIT_COMMAND        0x43
#define PIT_CHANNEL2_MODE0 0xb0
#define PIT_GATE           0x61
#define PIT_GATE_ON        0x01
#define PIT_OUT            0x20
#define PIT_LOOPS          10000000u
#define PIT_RESOLUTION_HZ  100000ull /* ten ms cannot tell more: 10 ppm of 10 GHz */

__extension__ typedef unsigned __int128 uint128;

struct time_rate time_rate;
static uint64_t started_tsc;

static uint64_t scale(const uint64_t value, const uint64_t numerator, const uint64_t denominator)
{
	return (uint64_t)((uint128)value * numerator / denominator);
}

uint64_t time_ticks_from_ns(const uint64_t ns)
{
	return (uint64_t)((uint128)ns * time_rate.numerator / time_rate.denominator / NS_PER_S);
}

uint64_t time_ns_from_ticks(const uint64_t ticks)
{
	const uint128 ns = (uint128)ticks * NS_PER_S;

	if (time_rate.denominator == 1)
		return (uint64_t)(ns / time_rate.numerator);
	/* ticks * 1e9 < 2^94, so this holds for denominators below 2^34. */
	return (uint64_t)(ns * time_rate.denominator / time_rate.numerator);
}

static bool rate_from_argument(void)
{
	char text[64], *slash;

	if (!args_text("tsc-hz", text, sizeof(text)))
		return false;
	time_rate.numerator = strtoull(text, &slash, 0);
	time_rate.denominator = *slash == '/' ? strtoull(slash + 1, NULL, 0) : 1;
	return time_rate.numerator != 0 && time_rate.denominator != 0;
}

static bool rate_from_cpuid(void)
{
	struct cpuid id;

	if (cpuid_read(0, 0).eax < 0x15)
		return false;
	id = cpuid_read(0x15, 0);
	if (id.eax == 0 || id.ebx == 0 || id.ecx == 0)
		return false;
	time_rate.numerator = (uint64_t)id.ecx * id.ebx;
	time_rate.denominator = id.eax;
	return true;
}

static bool rate_from_hypervisor(void)
{
	uint32_t khz = 0;

	if (platform.kind == PLATFORM_XEN && platform.hypervisor_last >= platform.hypervisor + 3)
		khz = cpuid_read(platform.hypervisor + 3, 0).ecx;
	else if (platform.kind == PLATFORM_KVM &&
		 platform.hypervisor_last >= platform.hypervisor + VMWARE_TIMING_LEAF)
		khz = cpuid_read(platform.hypervisor + VMWARE_TIMING_LEAF, 0).eax;
	time_rate.numerator = khz * 1000ull;
	time_rate.denominator = 1;
	return khz != 0;
}

/* TSC ticks of one PIT_COUNT; 0 when there is no PIT. The loop bound keeps a missing one finite. */
static uint64_t pit_measure(void)
{
	uint64_t start;

	port_write8(PIT_GATE, PIT_GATE_ON);
	port_write8(PIT_COMMAND, PIT_CHANNEL2_MODE0);
	port_write8(PIT_CHANNEL2, PIT_COUNT & 0xff);
	port_write8(PIT_CHANNEL2, PIT_COUNT >> 8);
	start = tsc_read();
	if (port_read8(PIT_GATE) & PIT_OUT)
		return 0; /* expired at once: nothing counts there */
	for (unsigned i = 0; i < PIT_LOOPS; i++)
		if (port_read8(PIT_GATE) & PIT_OUT)
			return tsc_read() - start;
	return 0;
}

static bool rate_from_pit(void)
{
	const uint64_t ticks = pit_measure();
	const uint64_t hz = scale(ticks, PIT_HZ, PIT_COUNT);

	time_rate.numerator = (hz + PIT_RESOLUTION_HZ / 2) / PIT_RESOLUTION_HZ * PIT_RESOLUTION_HZ;
	time_rate.denominator = 1;
	return time_rate.numerator != 0;
}

void time_init(void)
{
	const struct mullion_info *const info = info_get();

	started_tsc = tsc_read();
	if (info != NULL) {
		time_rate.numerator = info->tsc_hz_numerator;
		time_rate.denominator = info->tsc_hz_denominator;
		return;
	}
	if (rate_from_argument() || rate_from_cpuid() || rate_from_hypervisor() || rate_from_pit())
		return;
	printf("time: no source for the TSC's frequency; assuming 1 GHz: pass tsc-hz=N[/D]\n");
	time_rate = (struct time_rate){ .numerator = NS_PER_S, .denominator = 1 };
}

const volatile struct mullion_time *time_page(const unsigned vcpu)
{
	const struct mullion_region *const r = info_region(MULLION_REGION_TIME, vcpu, MULLION_READ);

	return r != NULL ? region_address(r) : NULL;
}

bool time_is_framed(const unsigned vcpu)
{
	const volatile struct mullion_time *const page = time_page(vcpu);

	return page != NULL && page->window_end_tsc != 0;
}

uint64_t time_now_ns(void)
{
	const volatile struct mullion_time *const page = time_page(0);
	const uint64_t epoch = page != NULL ? page->epoch_tsc : started_tsc;
	const uint64_t now = tsc_read();

	return now > epoch ? time_ns_from_ticks(now - epoch) : 0;
}

void time_delay_ns(const uint64_t ns)
{
	const uint64_t end = tsc_read() + time_ticks_from_ns(ns) + 1;

	while (tsc_read() < end)
		cpu_pause();
}
