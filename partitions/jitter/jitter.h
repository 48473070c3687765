/*
 * The probe's parts: what measure.S offers, and the one context every test gets.
 */
#ifndef JITTER_PROBE_H
#define JITTER_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mullion/irq.h>
#include <mullion/stream.h>

#define JITTER_STREAMS     32u
#define JITTER_EXTRA_BYTES 96u

/* Where tests put their streams; printed when everything has been measured. */
struct jitter_result {
	struct sample_stream *stream;
	char extra[JITTER_EXTRA_BYTES]; /* further members of the summary's JSON object */
};

struct jitter {
	unsigned vcpu;
	bool framed;
	uint64_t period_ticks;
	uint64_t gap_ticks;
	uint64_t gap_floor_ticks;
	unsigned results_count;
	struct jitter_result results[JITTER_STREAMS];
};

/* n for this test: n-TEST=, else n=, else 10,000. */
uint64_t jitter_samples(const char *test);

/* A stream of this name on the current vcpu, registered for the summary, or NULL without memory. */
struct jitter_result *jitter_result(
	struct jitter *jitter, const char *name, const char *note, uint64_t samples);

/* One line per kind of test; each measures, fills streams, and prints nothing. */
void measure_gap(struct jitter *jitter);
void measure_delivery(struct jitter *jitter, bool halted);
void measure_oneshot(struct jitter *jitter, bool halted, enum apic_mode mode);
void measure_exits(struct jitter *jitter);
void measure_exits_xapic(struct jitter *jitter);
void measure_data(struct jitter *jitter);
void measure_phase(struct jitter *jitter);
void measure_phase_spin(struct jitter *jitter);
void measure_vtimer(struct jitter *jitter);

/* True when the arguments, or without them the defaults for this kind of CPU, ask for this test. */
bool jitter_wants(const struct jitter *jitter, const char *test);

/* The raw timer gate of the current APIC mode, LVT included; and its end. */
#define PROBE_VECTOR 0x50u
void probe_timer_begin(bool deadline);
void probe_timer_end(void);

/* ---- measure.S ---- */

struct gap_loop {
	uint64_t *passes;
	uint64_t *kept;
	struct sample *ring;
	uint64_t ring_mask;
	uint64_t *n;
	uint64_t end;
	uint64_t floor;
	uint64_t sum;
	uint64_t max;
	uint64_t max_tsc;
	uint64_t started;
	uint64_t ended;
	uint64_t last;
};

void gap_loop(struct gap_loop *loop);

extern volatile uint64_t isr_tsc, isr_lost_wakeups;
void timer_gate_x2apic(void);
void timer_gate_xapic(void);
void wait_spinning(void);
void wait_halted(void);

uint64_t exit_empty(uint64_t argument, uint64_t *tsc);
uint64_t exit_cpuid(uint64_t argument, uint64_t *tsc);
uint64_t exit_vmmcall(uint64_t argument, uint64_t *tsc);
uint64_t exit_vmcall(uint64_t argument, uint64_t *tsc);
uint64_t exit_arm(uint64_t argument, uint64_t *tsc);
uint64_t exit_arm_count(uint64_t argument, uint64_t *tsc);
uint64_t exit_eoi(uint64_t argument, uint64_t *tsc);
uint64_t exit_arm_xapic(uint64_t argument, uint64_t *tsc);
uint64_t exit_eoi_xapic(uint64_t argument, uint64_t *tsc);

uint64_t oneshot_x2apic(uint32_t count);
uint64_t oneshot_xapic(uint32_t count);

uint64_t yield_vmmcall(void);
uint64_t yield_vmcall(void);
uint64_t spin_window(const volatile uint64_t *window_start);

#endif
