/*
 * The other vcpus of a partition: started by INIT-SIPI-SIPI through a real-mode trampoline, then
 * parked in a loop that runs one function at a time.
 */
#ifndef MULLION_SMP_H
#define MULLION_SMP_H

#include <stdbool.h>

#define SMP_MAX_VCPUS 16u

/* The calling vcpu's number, 0 first; found from its task register, so it costs no MSR. */
unsigned smp_vcpu(void);

/* Starts vcpu `vcpu` (APIC id = vcpu number); false if it does not answer within about a second. */
bool smp_start(unsigned vcpu);

/* Starts all of them; returns how many run, this one included. */
unsigned smp_start_all(void);

/*
 * Runs function(argument) on a started vcpu. smp_wait, on vcpu 0 only, halts until it has finished
 * and leaves interrupts off.
 */
void smp_run(unsigned vcpu, void (*function)(void *argument), void *argument);
void smp_wait(unsigned vcpu);
bool smp_busy(unsigned vcpu);

#endif
