/*
 * Finding the node's pages, and reading rings that others write meanwhile.
 *
 * Invariant: a number from a shared page is compared with its bound before it is an index.
 */
#include <stddef.h>

#include "node.h"
#include "request.h"

static void copy_name(char to[NAME_BYTES], const char *const from)
{
	uint32_t i = 0;

	for (; i + 1 < NAME_BYTES && from[i] != '\0'; i++)
		to[i] = from[i];
	to[i] = '\0';
}

static void note_partition(
	struct node *const node, const uint16_t index, const struct mullion_region *const region)
{
	struct node_partition *p;

	if (index >= MULLION_NODE_PARTITIONS)
		return;
	p = &node->partitions[index];
	if (region->kind == MULLION_REGION_CONSOLE) {
		p->console = (const struct mullion_console *)(uintptr_t)region->gpa;
		return;
	}
	p->status = (const struct mullion_status *)(uintptr_t)region->gpa;
	copy_name(p->name, region->name);
	if (index >= node->partitions_count)
		node->partitions_count = (uint16_t)(index + 1);
}

/* `mine`: the kinds that control has of a channel whose end it is. */
static void note_writer(
	struct node *const node, const struct mullion_region *const region, const bool mine)
{
	const void *const at = (const void *)(uintptr_t)region->gpa;
	struct node_channel *const channel = &node->channels[region->index % NODE_CHANNELS];

	if (region->index >= NODE_CHANNELS)
		return;
	copy_name(channel->name, region->name);
	channel->from = mine && region->access & MULLION_WRITE ? node->self : region->peer;
	channel->message_bytes = region->message_bytes;
	channel->depth = region->depth;
	if (region->depth == 0)
		channel->sampling = at;
	else
		channel->queuing = at;
}

static void note_reader(
	struct node *const node, const struct mullion_region *const region, const bool mine)
{
	struct node_channel *const channel = &node->channels[region->index % NODE_CHANNELS];

	if (region->index >= NODE_CHANNELS)
		return;
	channel->reader = (const struct mullion_queuing_reader *)(uintptr_t)region->gpa;
	channel->to = mine && region->access & MULLION_WRITE ? node->self : region->peer;
}

static void note_region(struct node *const node, const struct mullion_region *const region)
{
	const void *const at = (const void *)(uintptr_t)region->gpa;

	switch (region->kind) {
	case MULLION_REGION_CONSOLE:
		note_partition(node, region->peer, region);
		break;
	case MULLION_REGION_STATUS:
		note_partition(node, region->index, region);
		break;
	case MULLION_REGION_LOG:
		node->log = at;
		break;
	case MULLION_REGION_NODE:
		node->page = at;
		break;
	case MULLION_REGION_JOURNAL:
		node->journal = at;
		break;
	case MULLION_REGION_EXCHANGE:
		node->exchange = (volatile uint64_t *)(uintptr_t)region->gpa;
		break;
	case MULLION_REGION_TRACE:
		if (region->index < NODE_TRACES)
			node->traces[region->index] = at;
		break;
	case MULLION_REGION_CHANNEL:
	case MULLION_REGION_SAMPLING:
	case MULLION_REGION_QUEUING:
		note_writer(node, region, region->kind != MULLION_REGION_CHANNEL);
		break;
	case MULLION_REGION_CHANNEL_READER:
	case MULLION_REGION_QUEUING_READER:
		note_reader(node, region, region->kind != MULLION_REGION_CHANNEL_READER);
		break;
	default:
		break;
	}
}

bool node_find(struct node *const node, const struct mullion_info *const info)
{
	node->self = info->partition;
	for (uint32_t i = 0; i < info->regions_count; i++)
		note_region(node, &info->regions[i]);
	node->hz_numerator = info->tsc_hz_numerator;
	node->hz_denominator = info->tsc_hz_denominator;
	if (node->page == NULL || node->journal == NULL || node->log == NULL ||
		node->exchange == NULL)
		return false;
	node->cpus_count = node->page->cpus < MULLION_NODE_CPUS ? node->page->cpus
								: (uint16_t)MULLION_NODE_CPUS;
	return true;
}

uint16_t node_partition(const struct node *const node, const char *const name)
{
	for (uint16_t p = 0; p < node->partitions_count; p++)
		if (node->partitions[p].status != NULL &&
			same_text(node->partitions[p].name, name, NAME_BYTES))
			return p;
	return NO_PARTITION;
}

const char *node_name(const struct node *const node, const uint16_t partition)
{
	return partition < node->partitions_count && partition < MULLION_NODE_PARTITIONS
		       ? node->partitions[partition].name
		       : "";
}

const char *node_state_word(const uint32_t state)
{
	static const char *const words[] = { "?", "running", "stopped", "restarting", "changing" };

	return words[state <= MULLION_STATE_CHANGING ? state : 0];
}

const char *node_event_word(const uint32_t event)
{
	static const char *const words[] = { "memory", "port", "msr", "instruction", "triple-fault",
		"overrun", "raised", "exit", "dma", "watchdog", "machine-check" };

	return event < MULLION_EVENT_COUNT ? words[event] : "?";
}

const char *node_action_word(const uint32_t action)
{
	static const char *const words[] = { "log", "inject", "stop", "shutdown", "restart-warm",
		"restart-cold", "switch-schedule", "reset" };

	return action < MULLION_ACTION_COUNT ? words[action] : "?";
}

uint32_t node_read_ring(const struct mullion_console *const ring, uint64_t *const position,
	uint8_t *const copy, const uint32_t most, uint64_t *const lost)
{
	const uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
	uint64_t bytes, now, late;

	*lost = 0;
	if (head < *position)
		*position = 0; /* a writer that was restarted cold counts from 0 again */
	if (head == *position)
		return 0;
	if (head - *position > MULLION_CONSOLE_DATA) {
		*lost = head - MULLION_CONSOLE_DATA - *position;
		*position += *lost;
	}
	bytes = head - *position < most ? head - *position : most;
	for (uint64_t i = 0; i < most && i < bytes; i++)
		copy[i] = ring->data[(*position + i) % MULLION_CONSOLE_DATA];
	/* What the writer has overwritten meanwhile is not text of this position any more. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	now = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
	late = now > *position + MULLION_CONSOLE_DATA ? now - MULLION_CONSOLE_DATA - *position : 0;
	*position += bytes;
	if (late == 0)
		return (uint32_t)bytes;
	*lost += late < bytes ? late : bytes;
	if (late >= bytes)
		return 0;
	for (uint64_t i = 0; i < most && i + late < bytes; i++)
		copy[i] = copy[i + late];
	return (uint32_t)(bytes - late);
}
