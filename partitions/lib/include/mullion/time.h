/*
 * Time without an exit: the TSC, its exact rational frequency, and Mullion's time page.
 *
 * Conversions use 128-bit integers and round towards zero; they are exact for every 64-bit input
 * whose result fits, so ns -> ticks -> ns never loses more than one unit and never accumulates.
 */
#ifndef MULLION_TIME_H
#define MULLION_TIME_H

#include <mullion/abi.h>
#include <mullion/cpu.h>
#include <mullion/rate.h>

extern struct time_rate time_rate;

/* Info page; or tsc-hz=N[/D]; or CPUID 15h; or the hypervisor's leaf; or measured against the PIT.
 */
void time_init(void);

uint64_t time_ticks_from_ns(uint64_t ns);
uint64_t time_ns_from_ticks(uint64_t ticks);

/* Nanoseconds since the node's epoch; elsewhere than under Mullion since this partition started. */
uint64_t time_now_ns(void);

/* The time page of this partition's vcpu, or NULL when not under Mullion. */
const volatile struct mullion_time *time_page(unsigned vcpu);

/* True on a vcpu that has windows: its time page names a window's end. */
bool time_is_framed(unsigned vcpu);

/* Busy-wait with PAUSE; at least `ns`. */
void time_delay_ns(uint64_t ns);

#endif
