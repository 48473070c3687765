/*
 * nav: a small real-time worker. Every period its virtual timer fires, it integrates one step of a
 * toy trajectory, and publishes the pose on its sampling channel; once a second it prints a line.
 *
 * Arguments: period-ns=1000000, seconds=0 (0: for ever).
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <mullion/args.h>
#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/irq.h>
#include <mullion/sampling.h>
#include <mullion/time.h>

#define DEFAULT_PERIOD_NS 1000000ull
#define NS_PER_S          UINT64_C(1000000000)
#define RADIUS_M          100.0
#define TURN_RAD_PER_S    0.1

struct pose {
	uint64_t step;
	uint64_t time_ns;
	double x_m, y_m, heading_rad;
};

static volatile bool due;
static struct pose pose;
static struct sampling_writer port;

static void on_timer(struct irq_frame *const frame)
{
	(void)frame;
	due = true;
}

static void integrate(const uint64_t step_ns)
{
	const double dt_s = (double)step_ns / (double)NS_PER_S;
	const double speed = RADIUS_M * TURN_RAD_PER_S;

	pose.heading_rad = remainder(pose.heading_rad + TURN_RAD_PER_S * dt_s, 2.0 * M_PI);
	pose.x_m += speed * dt_s * cos(pose.heading_rad);
	pose.y_m += speed * dt_s * sin(pose.heading_rad);
	pose.time_ns += step_ns;
	pose.step++;
}

static void report(const uint64_t late_most_ticks)
{
	printf("%" PRIu64 " s, step %" PRIu64
	       ", x %.2f m, y %.2f m, heading %.3f rad, latest %" PRIu64 " ns\n",
		pose.time_ns / NS_PER_S, pose.step, pose.x_m, pose.y_m, pose.heading_rad,
		time_ns_from_ticks(late_most_ticks));
	fflush(stdout);
}

static void wait_until(const uint64_t deadline)
{
	due = false;
	timer_arm(deadline);
	while (!due)
		irq_wait();
}

/* The first sampling channel that leads away from here and has room for a pose, if there is one. */
static bool open_port(void)
{
	const struct mullion_region *region;

	for (unsigned i = 0; (region = info_region_nth(MULLION_REGION_SAMPLING, i)) != NULL; i++)
		if (region->access & MULLION_WRITE)
			return region->message_bytes >= sizeof(pose) &&
			       sampling_open_writer(&port, region_address(region), region->bytes,
				       region->message_bytes);
	return false;
}

int main(void)
{
	const uint64_t period_ns = args_number("period-ns", DEFAULT_PERIOD_NS);
	const uint64_t end_ns = args_number("seconds", 0) * NS_PER_S;
	const uint64_t period = time_ticks_from_ns(period_ns);
	const bool connected = open_port();
	uint64_t deadline, late_most = 0, reported_s = 0;

	irq_disable();
	timer_init(on_timer);
	for (deadline = tsc_read() + period;; deadline += period) {
		uint64_t late;

		wait_until(deadline);
		late = tsc_read() - deadline;
		if (late > late_most)
			late_most = late;
		integrate(period_ns);
		if (connected)
			sampling_write(&port, (const uint8_t *)&pose, sizeof(pose), tsc_read());
		if (pose.time_ns / NS_PER_S != reported_s) {
			reported_s = pose.time_ns / NS_PER_S;
			report(late_most);
		}
		if (end_ns != 0 && pose.time_ns >= end_ns)
			return 0;
	}
}
