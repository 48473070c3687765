/*
 * What a port operation costs, in ticks: where an instruction is a tick, in instructions. `cost`
 * measures in bursts at the start of its window, so that no window ends amidst one; `serve`, in its
 * own windows of the same CPU, empties and fills the queues. `cost` has the role "control", to
 * count the records of the trace: an exit would leave one.
 *
 * "port." is the interface of sampling.h and queuing.h, compiled into the caller; "apex." the same
 * through the avionics names. 64-byte messages. What the two reads of the clock cost is taken off.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <mullion/apex.h>
#include <mullion/args.h>
#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/stream.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#include "ports.h"

#define BYTES      64u
#define DEPTH      256u
#define BURST      200u
#define BURSTS     50u
#define SAMPLES    (BURST * BURSTS)
#define LIMIT      80
#define REFRESH_NS 1000000000ll

struct cost {
	const char *name;
	void (*burst)(void);
};

static struct sampling_writer writer;
static struct sampling_reader reader;
static struct queuing_sender sender;
static struct queuing_receiver receiver;
static SAMPLING_PORT_ID_TYPE to, from;
static QUEUING_PORT_ID_TYPE queue_to, queue_from;
static struct sampling_message about;
static uint8_t message[BYTES], copy[BYTES];
static RETURN_CODE_TYPE code;
static MESSAGE_SIZE_TYPE length;
static VALIDITY_TYPE validity;
static uint64_t bytes, failed, records;
static int64_t empty;
static int outcome;
static bool overflowed;
static struct sample_stream *stream;

static inline bool read_and_judge(void)
{
	return sampling_read(&reader, copy, &about) == SAMPLING_MESSAGE &&
	       sampling_is_valid(&reader, &about, tsc_read());
}

/*
 * A burst of one operation, which stands here itself and not behind a pointer: CHECK is not
 * measured.
 */
#define DEFINE_BURST(NAME, OPERATION, CHECK)                                                       \
	static void NAME(void)                                                                     \
	{                                                                                          \
		for (unsigned i = 0; i < BURST; i++) {                                             \
			const uint64_t start = tsc_read();                                         \
			uint64_t end;                                                              \
                                                                                                   \
			OPERATION;                                                                 \
			end = tsc_read();                                                          \
			failed += !(CHECK);                                                        \
			stream_record(stream, start, (int64_t)(end - start) - empty);              \
		}                                                                                  \
	}

DEFINE_BURST(port_write, sampling_write(&writer, message, BYTES, tsc_read()), true)
DEFINE_BURST(port_read, outcome = read_and_judge(), outcome)
DEFINE_BURST(port_send, outcome = queuing_send(&sender, message, BYTES), outcome)
DEFINE_BURST(port_receive, outcome = (int)queuing_receive(&receiver, copy, &bytes, &overflowed),
	outcome == QUEUING_MESSAGE)
DEFINE_BURST(apex_write, WRITE_SAMPLING_MESSAGE(to, message, BYTES, &code), code == NO_ERROR)
DEFINE_BURST(apex_read, READ_SAMPLING_MESSAGE(from, copy, &length, &validity, &code),
	code == NO_ERROR && validity == VALID)
DEFINE_BURST(apex_send, SEND_QUEUING_MESSAGE(queue_to, message, BYTES, 0, &code), code == NO_ERROR)
DEFINE_BURST(apex_receive, RECEIVE_QUEUING_MESSAGE(queue_from, 0, copy, &length, &code),
	code == NO_ERROR)

static const struct cost port_costs[] = {
	{ "port.sampling_write", port_write },
	{ "port.sampling_read", port_read },
	{ "port.queuing_send", port_send },
	{ "port.queuing_receive", port_receive },
};

static const struct cost apex_costs[] = {
	{ "apex.sampling_write", apex_write },
	{ "apex.sampling_read", apex_read },
	{ "apex.queuing_send", apex_send },
	{ "apex.queuing_receive", apex_receive },
};

static int64_t empty_ticks(void)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < 16; i++) {
		const uint64_t start = tsc_read(), end = tsc_read();

		least = end - start < least ? end - start : least;
	}
	return (int64_t)least;
}

/* Records that all CPUs have ever written. */
static uint64_t trace_records(void)
{
	const struct mullion_region *region;
	uint64_t sum = 0;

	for (unsigned i = 0; (region = info_region_nth(MULLION_REGION_TRACE, i)) != NULL; i++)
		sum += port_load(&((const struct mullion_trace *)region_address(region))->head);
	return sum;
}

static void measure(const struct cost *const cost)
{
	char name[96], extra[32];

	stream = stream_create(cost->name, "64 bytes, in ticks of the TSC", 0, SAMPLES);
	if (stream == NULL)
		exit(1);
	failed = 0;
	records = 0;
	stream_begin(stream);
	for (unsigned i = 0; i < BURSTS; i++) {
		uint64_t before;

		partition_yield();
		before = trace_records();
		cost->burst();
		records += trace_records() - before;
	}
	stream_end(stream);
	snprintf(extra, sizeof(extra), ",\"exits\":%" PRIu64, records);
	stream_print(stream, extra, false);
	snprintf(name, sizeof(name), "%s_does_not_exit", cost->name);
	tap_check(records == 0 && failed == 0, name, "%" PRIu64 " records, %" PRIu64 " failed",
		records, failed);
}

static void within_limit(const char *const name, const int64_t max)
{
	char sentence[96];

	snprintf(sentence, sizeof(sentence), "%s_takes_at_most_%d_instructions", name, LIMIT);
	tap_check(max <= LIMIT, sentence, "%" PRId64, max);
}

static void open_ports(void)
{
	open_writer(&writer, "out");
	open_reader(&reader, "in");
	open_sender(&sender, "send");
	open_receiver(&receiver, "receive");
}

/* After the last use of the others: an end has one user. */
static void create_ports(void)
{
	RETURN_CODE_TYPE codes[4];

	CREATE_SAMPLING_PORT("out", BYTES, SOURCE, REFRESH_NS, &to, &codes[0]);
	CREATE_SAMPLING_PORT("in", BYTES, DESTINATION, REFRESH_NS, &from, &codes[1]);
	CREATE_QUEUING_PORT("send", BYTES, DEPTH, SOURCE, FIFO, &queue_to, &codes[2]);
	CREATE_QUEUING_PORT("receive", BYTES, DEPTH, DESTINATION, FIFO, &queue_from, &codes[3]);
	tap_check(codes[0] == NO_ERROR && codes[1] == NO_ERROR && codes[2] == NO_ERROR &&
			  codes[3] == NO_ERROR,
		"ports_are_created_under_their_names", "%d %d %d %d", codes[0], codes[1], codes[2],
		codes[3]);
}

int role_cost(void)
{
	tap_plan(13);
	irq_disable();
	open_ports();
	partition_yield();
	empty = empty_ticks();
	for (unsigned i = 0; i < 4; i++) {
		measure(&port_costs[i]);
		within_limit(port_costs[i].name, stream->max);
	}
	create_ports();
	partition_yield(); /* the other end writes and receives */
	for (unsigned i = 0; i < 4; i++)
		measure(&apex_costs[i]);
	return tap_status();
}

/* The other end: whatever it is, it is done for a whole burst in one window. */
int role_serve(void)
{
	open_writer(&writer, "in");
	open_receiver(&receiver, "send");
	open_sender(&sender, "receive");
	for (;;) {
		sampling_write(&writer, message, BYTES, tsc_read());
		while (queuing_receive(&receiver, copy, &bytes, &overflowed) == QUEUING_MESSAGE)
			;
		while (queuing_send(&sender, message, BYTES))
			;
		partition_yield();
	}
}
