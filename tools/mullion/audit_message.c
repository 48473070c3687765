/*
 * Messages: what a function writes to interrupt, and where the entry it leads to sends it.
 *
 * The invariant that is proved: a granted message leads to one remapping entry, which takes it from
 * this function only and interrupts the CPU and the vector that its owner is shown; that CPU is
 * owned by the function's owner; no other entry is present. VT-d 3.3, 5.1.2.2; AMD I/O
 * virtualization 3.05, 2.2.5; Intel SDM 3, 11.11 for what the owner is shown.
 */
#include "audit_devices.h"

#include <stdlib.h>

#include "allocate.h"

/* A remappable message: bit 4 set, no subhandle; the handle in bits 19..5 and 2. */
#define VTD_ADDRESS      0xfee00010ull
#define VTD_HANDLE       0x000fffe4ull
#define VTD_HANDLE_OF(a) ((unsigned)((a) >> 5 & 0x7fff) | (unsigned)((a) >> 2 & 1) << 15)
#define AMDVI_ADDRESS    0xfee00000ull
#define AMDVI_DATA       0x7ffu

#define GUEST_ADDRESS   0xfee00000u
#define GUEST_APIC_BITS 0x000ff000u
#define GUEST_APIC(a)   ((a) >> 12 & 0xff)
#define LOWEST_VECTOR   32u /* below are the processor's exceptions */

/* Which entry a message leads to, or -1. */
static int index_of(unsigned kind, const struct x86_message *message)
{
	if (kind == X86_IOMMU_AMDVI)
		return message->address == AMDVI_ADDRESS && message->data <= AMDVI_DATA
			       ? (int)message->data
			       : -1;
	return (message->address & ~VTD_HANDLE) == VTD_ADDRESS && !message->data
		       ? (int)VTD_HANDLE_OF(message->address)
		       : -1;
}

static const char *message_place(
	const struct audit *audit, const struct audit_function *function, unsigned m)
{
	return audit_image_place(&audit->image,
		audit_address(function->table->messages) + m * sizeof(*function->messages));
}

/* ---- Which entries are used ---- */

static void take_slot(struct audit *audit, const struct audit_function *function, unsigned m,
	struct audit_slot *slots, unsigned entries)
{
	const unsigned kind = audit->devices->units[function->table->iommu].table->kind;
	const int index = index_of(kind, &function->messages[m]);

	if (index < 0)
		return; /* told in audit_messages */
	if ((unsigned)index >= entries) {
		audit_find(audit, "message-address",
			"message %u of %s leads to entry %d, and there are %u: see %s", m,
			audit_function_name(audit, function), index, entries,
			message_place(audit, function, m));
		return;
	}
	if (!slots[index].count++) {
		slots[index].function = function;
		slots[index].message = (int)m;
		return;
	}
	audit_find(audit, "message-address",
		"message %u of %s leads to entry %d, as message %d of %s does: see %s", m,
		audit_function_name(audit, function), index, slots[index].message,
		slots[index].function->name, message_place(audit, function, m));
}

struct audit_slot *audit_slots(
	struct audit *audit, const struct audit_unit *unit, int requester, unsigned entries)
{
	struct audit_slot *slots = allocate(entries, sizeof(*slots));
	const struct audit_devices *devices = audit->devices;
	unsigned m;
	size_t f;

	for (f = 0; f < devices->functions_count; f++) {
		const struct audit_function *function = &devices->functions[f];

		if (!function->messages || function->table->iommu != unit->number ||
			(requester >= 0 && function->table->requester != requester))
			continue;
		for (m = 0; m < function->table->messages_count; m++)
			if (function->messages[m].granted)
				take_slot(audit, function, m, slots, entries);
	}
	return slots;
}

/* ---- One entry ---- */

static void complain(
	struct audit *audit, const struct audit_remap *remap, const char *rule, const char *what)
{
	audit_find(audit, rule, "%s: remapping entry %u at %s, %#llx, %s", remap->unit->name,
		remap->index, audit_image_place(&audit->image, remap->at),
		(unsigned long long)remap->value, what);
}

/* Whose messages the entry takes. Behind some bridges functions share a requester id. */
static const struct audit_function *sender(
	const struct audit *audit, const struct audit_slot *slot, const struct audit_remap *remap)
{
	if (slot->count && slot->function->table->requester == remap->requester)
		return slot->function;
	return remap->requester < 0
		       ? NULL
		       : audit_requester(audit, remap->unit, (unsigned)remap->requester);
}

static void note_vector(
	struct audit *audit, const struct audit_slot *slot, const struct audit_remap *remap)
{
	struct audit_devices *devices = audit->devices;
	const struct audit_function *function = sender(audit, slot, remap);

	if (devices->vectors_count == devices->vectors_room) {
		devices->vectors_room = devices->vectors_room ? 2 * devices->vectors_room : 64;
		devices->vectors = allocate_more(
			devices->vectors, devices->vectors_room, sizeof(*devices->vectors));
	}
	devices->vectors[devices->vectors_count++] =
		(struct audit_vector){ remap->unit, remap->index, remap->requester, function,
			slot->count && function == slot->function ? slot->message : -1, remap->apic,
			remap->vector, remap->at };
}

/* The CPU that a granted message is shown to interrupt; NULL after a finding of audit_messages. */
static const struct mullion_cpu *shown_cpu(
	const struct audit *audit, const struct audit_function *function, unsigned m)
{
	const struct mullion_partition *owner;
	unsigned apic;

	if (!audit_is_owned(function))
		return NULL;
	owner = audit->partitions[function->table->partition].table;
	apic = GUEST_APIC(function->messages[m].guest_address);
	return apic < owner->vcpus ? &audit->cpus[audit->vcpus[owner->first_vcpu + apic].cpu]
				   : NULL;
}

static bool owns_cpu(
	const struct audit *audit, const struct audit_function *function, unsigned apic)
{
	unsigned v;

	for (v = 0; v < audit->system->vcpus_count; v++)
		if (audit->cpus[audit->vcpus[v].cpu].hardware_id == apic)
			return audit->cpus[audit->vcpus[v].cpu].mode == MULLION_CPU_OWNED &&
			       audit->vcpus[v].partition == function->table->partition;
	return false;
}

static void check_target(
	struct audit *audit, const struct audit_slot *slot, const struct audit_remap *remap)
{
	const unsigned m = (unsigned)slot->message;
	const struct mullion_cpu *cpu = shown_cpu(audit, slot->function, m);

	if (!owns_cpu(audit, slot->function, remap->apic))
		complain(audit, remap, "interrupt-cpu",
			format("interrupts APIC id %u, which is no CPU that the owner of %s owns",
				remap->apic, slot->function->name));
	if (!cpu || cpu->hardware_id != remap->apic)
		complain(audit, remap, "interrupt-target",
			format("interrupts APIC id %u, and the owner of %s is shown another CPU",
				remap->apic, slot->function->name));
	if (remap->vector != slot->function->messages[m].guest_data)
		complain(audit, remap, "interrupt-vector",
			format("raises vector %#x, and the owner of %s is shown %#x", remap->vector,
				slot->function->name, slot->function->messages[m].guest_data));
}

static void check_granted(
	struct audit *audit, const struct audit_slot *slot, const struct audit_remap *remap)
{
	if (!remap->present) {
		complain(audit, remap, "interrupt-missing",
			format("is not present, and message %d of %s leads to it", slot->message,
				slot->function->name));
		return;
	}
	check_target(audit, slot, remap);
	if (remap->requester != slot->function->table->requester)
		complain(audit, remap, "interrupt-source",
			remap->requester < 0 ? "does not verify all of who sends the message"
					     : format("takes messages of %s, and is meant for %s",
						       audit_bdf((unsigned)remap->requester),
						       audit_function_name(audit, slot->function)));
	if (remap->silent)
		complain(audit, remap, "interrupt-fault-log",
			"keeps the owner from being told of what is refused");
}

void audit_judge(
	struct audit *audit, const struct audit_slot *slot, const struct audit_remap *remap)
{
	if (remap->present)
		note_vector(audit, slot, remap);
	if (slot->count)
		check_granted(audit, slot, remap);
	else if (remap->present)
		complain(audit, remap, "interrupt-stray",
			format("interrupts APIC id %u by vector %#x, and no message is granted it",
				remap->apic, remap->vector));
	else if (remap->value)
		complain(audit, remap, "interrupt-reserved", "is not present and yet not zero");
	if ((remap->present || slot->count) && remap->wrong)
		complain(audit, remap, "interrupt-mode", remap->wrong);
}

/* ---- What the kernel programs, and what the owner is shown ---- */

static const char *granted_trouble(const struct audit *audit, const struct audit_function *function,
	const struct x86_message *message)
{
	const struct mullion_partition *owner = audit->partitions[function->table->partition].table;
	const unsigned apic = GUEST_APIC(message->guest_address);

	if ((message->guest_address & ~GUEST_APIC_BITS) != GUEST_ADDRESS || apic >= owner->vcpus)
		return "is shown to interrupt a vcpu that its owner does not have";
	if (audit->vcpus[owner->first_vcpu + apic].mode != MULLION_CPU_OWNED)
		return "is shown to interrupt a framed CPU, which takes no interrupts of devices";
	if (message->guest_data < LOWEST_VECTOR || message->guest_data > 0xff)
		return "is shown with a vector that no device may raise";
	return message->granted == 1 ? NULL : "is granted by another number than 1";
}

static void check_message(struct audit *audit, const struct audit_function *function, unsigned m)
{
	const struct x86_message *message = &function->messages[m];
	const unsigned kind = audit->devices->units[function->table->iommu].table->kind;
	const char *wrong = NULL;

	if (message->granted)
		wrong = granted_trouble(audit, function, message);
	else if (message->address || message->data || message->guest_address || message->guest_data)
		wrong = "is not granted, and yet something is shown or programmed";
	if (wrong)
		audit_find(audit, "message-record", "message %u of %s %s: see %s", m,
			audit_function_name(audit, function), wrong,
			message_place(audit, function, m));
	if (message->granted && index_of(kind, message) < 0)
		audit_find(audit, "message-address",
			"message %u of %s, a write of %#x to %#llx, leads to no remapping entry: "
			"see %s",
			m, audit_function_name(audit, function), message->data,
			(unsigned long long)message->address, message_place(audit, function, m));
}

static const char *list_trouble(const struct audit_function *function)
{
	const struct x86_function *table = function->table;
	unsigned m, granted = 0;

	for (m = 0; m < table->messages_count; m++)
		granted += function->messages[m].granted != 0;
	if (!granted)
		return "lists messages, and none is granted";
	if (!table->msix && (!table->msi || table->messages_count != 1))
		return "is granted messages, and can send none";
	return NULL;
}

/* Who takes an interrupt is to know from its vector who sent it. */
static void check_vectors(struct audit *audit)
{
	const struct audit_vector **first = allocate(0x10000, sizeof(*first));
	const struct audit_devices *devices = audit->devices;
	size_t i;

	for (i = 0; i < devices->vectors_count; i++) {
		const struct audit_vector *vector = &devices->vectors[i];
		const struct audit_vector **other =
			&first[(vector->apic & 0xff) << 8 | (vector->vector & 0xff)];

		if (*other)
			audit_find(audit, "vector-shared",
				"the entries at %s and %s both raise vector %#x at APIC id %u",
				audit_image_place(&audit->image, (*other)->at),
				audit_image_place(&audit->image, vector->at), vector->vector,
				vector->apic);
		*other = vector;
	}
	free(first);
}

void audit_messages(struct audit *audit)
{
	const struct audit_devices *devices = audit->devices;
	unsigned m;
	size_t f;

	check_vectors(audit);
	for (f = 0; f < devices->functions_count; f++) {
		const struct audit_function *function = &devices->functions[f];
		const char *wrong = function->messages ? list_trouble(function) : NULL;

		if (wrong)
			audit_find(audit, "message-record", "%s %s",
				audit_function_name(audit, function), wrong);
		for (m = 0; function->messages && audit_is_owned(function) &&
			    m < function->table->messages_count;
			m++)
			check_message(audit, function, m);
	}
}
