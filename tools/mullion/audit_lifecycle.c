/*
 * What watches over partitions, and what is told of them: health actions, watchdogs, the journal, the
 * pages of status and control, doorbells.
 *
 * The invariant that is proved: each page that the kernel writes for others is the object that the
 * image sets aside for it; status is told to those at the other ends of a partition's channels and to
 * control, and what else there is of the node to control alone; every action can be carried out.
 */
#include "audit_devices.h"

#include "allocate.h"

#define LEAST_VECTOR 32u
#define MOST_VECTOR  254u

/* ---- Objects ---- */

/* Anywhere else it would be the kernel's own state that is shown, or written over. */
static void check_object(struct audit *audit, const char *symbol, uint64_t offset,
	const void *pointer, const char *what)
{
	const uint64_t base = audit_image_symbol(&audit->image, symbol);
	const uint64_t address = audit_address(pointer);

	if (base == AUDIT_NONE || address != base + offset || address % AUDIT_PAGE)
		audit_find(audit, "shared-object",
			"%s is said to lie at %s, and what the image sets aside for it is %s+%#llx",
			what, audit_image_place(&audit->image, address), symbol,
			(unsigned long long)offset);
	else if (audit_image_room(&audit->image, address) < AUDIT_PAGE ||
		 address < audit->arch->data_base || address > audit->arch->data_end - AUDIT_PAGE)
		audit_find(audit, "shared-object", "%s, at %s, is no page of the kernel's data",
			what, audit_image_place(&audit->image, address));
}

static bool has_control(const struct audit *audit)
{
	unsigned p;

	for (p = 0; p < audit->system->partitions_count; p++)
		if (audit->partitions[p].table->flags & MULLION_INFO_CONTROL)
			return true;
	return false;
}

static void check_objects(struct audit *audit)
{
	const struct mullion_system *system = audit->system;
	unsigned i;

	for (i = 0; i < system->vcpus_count; i++)
		check_object(audit, "time_pages", i * AUDIT_PAGE, audit->vcpus[i].time,
			format("the time page of vcpu %u of the node", i));
	for (i = 0; i < system->cpus_count; i++)
		check_object(audit, "traces", i * sizeof(struct mullion_trace),
			audit->cpus[i].trace, format("the trace of CPU %u", i));
	for (i = 0; i < system->partitions_count; i++)
		check_object(audit, "status_pages", i * AUDIT_PAGE,
			audit->partitions[i].table->status,
			format("the status of %s", audit->partitions[i].name));
	check_object(audit, "kernel_log", 0, system->log, "the kernel's log");
	check_object(audit, "node_page", 0, system->node, "the node's page");
	audit_node(audit);
	if (has_control(audit))
		check_object(audit, "exchange_page", 0, system->exchange, "the exchange page");
	else if (system->exchange)
		audit_find(audit, "shared-object",
			"there is an exchange page, and no partition has the role of control");
}

/* The loader would put something there, and a reset would not leave it alone. */
static void check_journal(struct audit *audit)
{
	const uint64_t journal = audit_address(audit->system->journal);
	size_t i;

	for (i = 0; i < audit->image.segments_count; i++) {
		const struct audit_segment *segment = &audit->image.segments[i];

		if (segment->base < journal + AUDIT_PAGE &&
			segment->base + segment->bytes > journal)
			audit_find(audit, "journal-place",
				"the journal, at %#llx, lies in the segment at %#llx, which the "
				"loader fills",
				(unsigned long long)journal, (unsigned long long)segment->base);
	}
	if (journal % AUDIT_PAGE)
		audit_find(audit, "journal-place", "the journal, at %#llx, is not a page",
			(unsigned long long)journal);
	if (journal < audit->arch->data_end && journal + AUDIT_PAGE > X86_KERNEL_TEXT)
		audit_find(audit, "journal-place",
			"the journal, at %#llx, lies in the kernel, which is cleared at boot",
			(unsigned long long)journal);
	for (i = 0; i < audit->system->ram_count; i++)
		if (journal - audit->ram[i].base < audit->ram[i].bytes)
			break;
	if (i == audit->system->ram_count)
		audit_find(audit, "journal-place",
			"the journal, at %#llx, is not in what the image calls RAM",
			(unsigned long long)journal);
	audit_unreached(audit, (struct range){ journal, AUDIT_PAGE }, "the journal", &audit->kernel,
		journal);
}

/* ---- Channels ---- */

static const struct audit_expected *end_of(const struct audit *audit, unsigned p, unsigned c)
{
	const struct audit_expected *end =
		audit_find_expected(&audit->partitions[p], MULLION_REGION_SAMPLING, c);

	return end ? end : audit_find_expected(&audit->partitions[p], MULLION_REGION_QUEUING, c);
}

static bool is_sender(const struct audit *audit, unsigned p, unsigned c)
{
	const struct audit_expected *end = end_of(audit, p, c);

	return end && end->rights & AUDIT_WRITE;
}

static bool is_receiver(const struct audit *audit, unsigned p, unsigned c)
{
	const struct audit_expected *end = end_of(audit, p, c);

	return end && !(end->rights & AUDIT_WRITE);
}

static bool are_partners(const struct audit *audit, unsigned p, unsigned q)
{
	unsigned c;

	for (c = 0; c < audit->system->channels_count; c++)
		if ((is_sender(audit, p, c) && is_receiver(audit, q, c)) ||
			(is_sender(audit, q, c) && is_receiver(audit, p, c)))
			return true;
	return false;
}

static bool is_taken(const struct audit *audit, unsigned cpu, unsigned vector)
{
	const struct audit_devices *devices = audit->devices;
	size_t i;

	for (i = 0; i < devices->vectors_count; i++)
		if (devices->vectors[i].apic == audit->cpus[cpu].hardware_id &&
			devices->vectors[i].vector == vector)
			return true;
	return false;
}

static const char *doorbell_trouble(
	const struct audit *audit, unsigned c, const struct mullion_doorbell *doorbell)
{
	const struct mullion_vcpu *vcpu;

	if (doorbell->vcpu >= audit->system->vcpus_count)
		return "rings a vcpu that does not exist";
	vcpu = &audit->vcpus[doorbell->vcpu];
	if (!is_receiver(audit, vcpu->partition, c))
		return format("rings %s, which receives nothing by this channel",
			audit->partitions[vcpu->partition].name);
	if (audit->cpus[vcpu->cpu].mode != MULLION_CPU_OWNED || vcpu->mode != MULLION_CPU_OWNED)
		return format("rings CPU %u, which partitions share", vcpu->cpu);
	if (vcpu->index)
		return format("rings vcpu %u, and only vcpu 0 is rung", vcpu->index);
	if (doorbell->vector < LEAST_VECTOR || doorbell->vector > MOST_VECTOR)
		return "has a vector that is the processor's or the kernel's";
	if (is_taken(audit, vcpu->cpu, doorbell->vector))
		return format("has a vector that a device raises at CPU %u, too", vcpu->cpu);
	return NULL;
}

static void check_doorbells(struct audit *audit, unsigned c)
{
	const struct mullion_channel *channel = &audit->channels[c];
	const struct mullion_doorbell *doorbells;
	unsigned i, k;

	if (!channel->doorbells_count && channel->doorbells)
		audit_find(audit, "doorbell", "channel %u has doorbells, at %s, and counts none", c,
			audit_image_place(&audit->image, audit_address(channel->doorbells)));
	if (!channel->doorbells_count)
		return;
	doorbells = audit_constant(audit, audit_address(channel->doorbells),
		channel->doorbells_count * sizeof(*doorbells), 4,
		format("the doorbells of channel %u", c));
	for (i = 0; doorbells && i < channel->doorbells_count; i++) {
		const char *wrong = doorbell_trouble(audit, c, &doorbells[i]);

		for (k = 0; k < i && !wrong; k++)
			if (doorbells[k].vcpu == doorbells[i].vcpu)
				wrong = "rings a vcpu twice";
		if (wrong)
			audit_find(audit, "doorbell",
				"doorbell %u of channel %u, vector %#x, at %s, %s", i, c,
				doorbells[i].vector,
				audit_image_place(
					&audit->image, audit_address(channel->doorbells + i)),
				wrong);
	}
}

/* Who may ring is who writes the channel. */
static void check_channel(struct audit *audit, unsigned c)
{
	const struct mullion_channel *channel = &audit->channels[c];
	unsigned p;

	if (channel->from >= audit->system->partitions_count)
		audit_find(audit, "channel-record",
			"channel %u is sent by a partition that does not exist", c);
	for (p = 0; p < audit->system->partitions_count; p++)
		if (is_sender(audit, p, c) != (channel->from == p))
			audit_find(audit, "channel-record",
				"%s %s channel %u, and the kernel is told otherwise, at %s",
				audit->partitions[p].name,
				channel->from == p ? "does not write" : "writes", c,
				audit_image_place(
					&audit->image, audit_address(audit->system->channels + c)));
	check_doorbells(audit, c);
}

/* ---- Who is told what ---- */

static const char *told_trouble(
	const struct audit *audit, unsigned p, const struct audit_expected *at)
{
	const struct mullion_partition *table = audit->partitions[p].table;
	const bool control = table->flags & MULLION_INFO_CONTROL;
	const bool channel = at->kind == MULLION_REGION_SAMPLING ||
			     at->kind == MULLION_REGION_QUEUING ||
			     at->kind == MULLION_REGION_QUEUING_READER || audit_is_sight(at->kind);

	if (at->kind == MULLION_REGION_STATUS && !control && !are_partners(audit, p, at->key))
		return "and no channel leads from one to the other";
	if ((at->kind == MULLION_REGION_NODE || at->kind == MULLION_REGION_JOURNAL ||
		    at->kind == MULLION_REGION_EXCHANGE || audit_is_sight(at->kind)) &&
		!control)
		return "which is for control alone";
	if (at->kind == MULLION_REGION_WATCHDOG && !table->watchdog)
		return "and the kernel does not look at it";
	if (channel && at->key >= audit->system->channels_count)
		return "and the kernel knows no such channel";
	if (audit_is_sight(at->kind) && end_of(audit, p, at->key))
		return "and is an end of this channel itself";
	return NULL;
}

static void check_told(struct audit *audit, unsigned p)
{
	const struct audit_partition *partition = &audit->partitions[p];
	size_t i;

	for (i = 0; i < partition->expected_count; i++) {
		const char *wrong = told_trouble(audit, p, &partition->expected[i]);

		if (wrong)
			audit_find(audit, "told", "partition %s sees %s at %#llx, %s",
				partition->name, partition->expected[i].what,
				(unsigned long long)partition->expected[i].virtual, wrong);
	}
}

/* ---- Health ---- */

/* Can the node do it? */
static bool is_possible(
	const struct audit *audit, const struct mullion_partition *table, unsigned action)
{
	if (action == MULLION_ACTION_SCHEDULE)
		return table->health_schedule < audit->system->schedules_count;
	if (action == MULLION_ACTION_RESET)
		return audit->arch->reset_port;
	return action < MULLION_ACTION_COUNT;
}

/* There must be an instruction to inject into, and after an end nothing goes on as it was. */
static bool is_fitting(unsigned event, unsigned action)
{
	if (action == MULLION_ACTION_INJECT)
		return event <= MULLION_EVENT_INSTRUCTION;
	return action != MULLION_ACTION_LOG ||
	       (event != MULLION_EVENT_TRIPLE_FAULT && event != MULLION_EVENT_EXIT);
}

static void check_health(struct audit *audit, const struct audit_partition *partition)
{
	const struct mullion_partition *table = partition->table;
	const bool escalates = table->escalate_count;
	unsigned event;

	for (event = 0; event < MULLION_EVENT_COUNT; event++)
		if (!is_possible(audit, table, table->actions[event]) ||
			!is_fitting(event, table->actions[event]))
			audit_find(audit, "health-action",
				"event %u of partition %s is answered by action %u, which this "
				"node cannot do",
				event, partition->name, table->actions[event]);
	if (table->health_schedule && table->health_schedule >= audit->system->schedules_count)
		audit_find(audit, "health-action",
			"partition %s would switch to schedule %u, which does not exist",
			partition->name, table->health_schedule);
	if (escalates != (table->escalate_ticks != 0) || table->escalate_count == 1 ||
		table->escalate_count > MULLION_ESCALATE_MAX ||
		(escalates ? table->escalate_action <= MULLION_ACTION_INJECT ||
					!is_possible(audit, table, table->escalate_action)
			   : table->escalate_action))
		audit_find(audit, "health-escalation",
			"partition %s escalates from event %u within %llu ticks to action %u, "
			"which this node cannot do",
			partition->name, table->escalate_count,
			(unsigned long long)table->escalate_ticks, table->escalate_action);
}

/* ---- Watchdogs ---- */

static void check_watchdogs(struct audit *audit)
{
	unsigned count = 0, p;

	for (p = 0; p < audit->system->partitions_count; p++) {
		const struct audit_partition *partition = &audit->partitions[p];
		const bool watched = partition->table->watchdog_ticks;
		const struct audit_expected *page =
			audit_find_expected(partition, MULLION_REGION_WATCHDOG, p);

		if (watched != (partition->table->watchdog != NULL) || watched != (page != NULL))
			audit_find(audit, "watchdog",
				"partition %s has %s, %s and %s: it needs all three or none",
				partition->name,
				watched ? "a watchdog's time" : "no watchdog's time",
				partition->table->watchdog ? "a page the kernel looks at"
							   : "no page the kernel looks at",
				page ? "a page to write" : "no page to write");
		if (partition->table->watchdog)
			check_object(audit, "watchdog_pages", count++ * AUDIT_PAGE,
				partition->table->watchdog,
				format("the watchdog of %s", partition->name));
	}
	if (count != audit->system->watchdogs_count)
		audit_find(audit, "watchdog", "%u partitions have a watchdog, and %u are counted",
			count, audit->system->watchdogs_count);
	if (count && audit->system->timekeeper == MULLION_NO_VCPU)
		audit_find(audit, "watchdog", "no CPU looks at the watchdogs");
}

/* The first that runs in windows: it has one in every schedule. */
static void check_timekeeper(struct audit *audit)
{
	unsigned c = 0;

	while (c < audit->system->cpus_count && audit->cpus[c].mode != MULLION_CPU_FRAMED)
		c++;
	if (audit->system->timekeeper != (c < audit->system->cpus_count ? c : MULLION_NO_VCPU))
		audit_find(audit, "timekeeper",
			"CPU %u is to look at watchdogs and switch schedules, and it is not the "
			"first framed one",
			audit->system->timekeeper);
}

void audit_lifecycle(struct audit *audit)
{
	unsigned i;

	check_objects(audit);
	check_journal(audit);
	for (i = 0; i < audit->system->channels_count; i++)
		check_channel(audit, i);
	for (i = 0; i < audit->system->partitions_count; i++) {
		check_told(audit, i);
		check_health(audit, &audit->partitions[i]);
	}
	check_watchdogs(audit);
	check_timekeeper(audit);
}
