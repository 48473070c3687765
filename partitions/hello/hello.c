/*
 * hello: says where it is and what it may touch, and ends well. The first partition to try.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/info.h>
#include <mullion/irq.h>
#include <mullion/platform.h>
#include <mullion/time.h>

static const char *kind_name(const unsigned kind)
{
	static const char *const names[] = { [MULLION_REGION_TIME] = "time page",
		[MULLION_REGION_CONSOLE] = "console",
		[MULLION_REGION_LOG] = "kernel log",
		[MULLION_REGION_TRACE] = "trace",
		[MULLION_REGION_SAMPLING] = "sampling channel",
		[MULLION_REGION_QUEUING] = "queuing channel",
		[MULLION_REGION_QUEUING_READER] = "queuing channel, reader's page",
		[MULLION_REGION_STATUS] = "status page",
		[MULLION_REGION_NODE] = "node page",
		[MULLION_REGION_WATCHDOG] = "watchdog page",
		[MULLION_REGION_EXCHANGE] = "exchange page",
		[MULLION_REGION_JOURNAL] = "journal",
		[MULLION_REGION_CHANNEL] = "channel between others",
		[MULLION_REGION_CHANNEL_READER] = "channel between others, reader's page",
		[MULLION_REGION_LOCKS] = "lock tables",
		[MULLION_REGION_RDMA] = "RDMA table",
		[MULLION_REGION_AREA] = "area between an RDMA service and a client" };

	return kind < sizeof(names) / sizeof(names[0]) && names[kind] != NULL ? names[kind]
									      : "unknown";
}

static void print_memory(void)
{
	for (uint32_t i = 0; i < boot.ram_count; i++)
		printf("memory:  %#12" PRIx64 " + %" PRIu64 " KiB\n", boot.ram[i].base,
			boot.ram[i].bytes / 1024);
}

static void print_time(void)
{
	const volatile struct mullion_time *const page = time_page(0);

	printf("time:    %" PRIu64 " ns, TSC %" PRIu64 "/%" PRIu64 " Hz\n", time_now_ns(),
		time_rate.numerator, time_rate.denominator);
	if (time_is_framed(0))
		printf("window:  frame %" PRIu64 ", window %" PRIu32 " of schedule %" PRIu32
		       ", %" PRIu64 " ns long\n",
			page->frame, page->window, page->schedule,
			time_ns_from_ticks(page->window_end_tsc - page->window_start_tsc));
}

static void print_regions(const struct mullion_info *const info)
{
	for (uint32_t i = 0; i < info->regions_count; i++) {
		const struct mullion_region *const r = &info->regions[i];

		printf("region:  %#12" PRIx64 " + %" PRIu64 " KiB %s %s %.*s\n", r->gpa,
			r->bytes / 1024, r->access & MULLION_WRITE ? "rw" : "ro",
			kind_name(r->kind), (int)sizeof(r->name), r->name);
	}
}

int main(void)
{
	const struct mullion_info *const info = info_get();

	printf("hello from %s\n", info_name());
	printf("under:   %s\n", platform_name());
	printf("vcpus:   %u, this is %" PRIu32 " (%s%s)\n", info_vcpus(), apic_id(),
		apic_mode() == APIC_X2APIC ? "x2APIC" : "xAPIC",
		timer_is_deadline() ? ", TSC deadline" : "");
	print_memory();
	print_time();
	if (info != NULL)
		print_regions(info);
	printf("bye\n");
	return 0;
}
