/*
 * Lists the shared pages of each partition in the order in which they lie from MULLION_SHARED_GPA:
 * its time pages, its console, its watchdog, what the control role sees, its channels, how those at
 * their other ends are doing, what the lock service and an RDMA service are told, and the areas of
 * RDMA clients.
 *
 * The invariant: a page is writable for exactly one partition, or for the kernel alone; the exchange
 * page is writable for both, what the services are told for nobody.
 */
#include "regions.h"

#include <string.h>

#include <rdma/table.h>

#include "allocate.h"
#include "lock_plan.h"
#include "model_rdma.h"

#define READ_WRITE (MULLION_READ | MULLION_WRITE)

static uint64_t whole_pages(uint64_t bytes)
{
	return (bytes + MULLION_PAGE_BYTES - 1) / MULLION_PAGE_BYTES * MULLION_PAGE_BYTES;
}

static int add_block(struct layout *layout, char *name, uint64_t bytes, struct location at)
{
	layout->blocks =
		allocate_more(layout->blocks, layout->blocks_count + 1, sizeof(*layout->blocks));
	layout->blocks[layout->blocks_count] = (struct layout_block){
		.name = name, .memory = { 0, whole_pages(bytes) }, .at = at
	};
	return (int)layout->blocks_count++;
}

static uint64_t next_gpa(const struct layout_partition *partition)
{
	const struct mullion_region *last;

	if (!partition->regions_count)
		return MULLION_SHARED_GPA;
	last = &partition->regions[partition->regions_count - 1].info;
	return last->gpa + last->bytes;
}

static void add_region(
	struct layout_partition *partition, struct layout_region region, const char *name)
{
	region.info.gpa = next_gpa(partition);
	strncpy(region.info.name, name, sizeof(region.info.name) - 1);
	partition->regions = allocate_more(
		partition->regions, partition->regions_count + 1, sizeof(*partition->regions));
	partition->regions[partition->regions_count++] = region;
}

/* A page or pages that the kernel uses, too: an object of system.c. `of`: the partition it is about.
 */
static void add_object(
	struct layout *layout, unsigned p, unsigned of, struct mullion_region info, char *object)
{
	struct layout_region region = { .info = info, .object = object, .block = -1 };

	region.info.bytes = whole_pages(info.bytes);
	region.info.peer = (uint16_t)of;
	add_region(&layout->partitions[p], region, layout->model->partitions[of].name);
}

/* One that the kernel alone writes. */
static void add_read_only(struct layout *layout, unsigned p, enum mullion_region_kind kind,
	unsigned index, uint64_t bytes, char *object)
{
	const struct mullion_region info = {
		.bytes = bytes,
		.kind = (uint16_t)kind,
		.access = MULLION_READ,
		.index = (uint16_t)index,
	};

	add_object(layout, p, p, info, object);
}

/* One that the partition alone writes, or in turn with the kernel. */
static void add_writable(
	struct layout *layout, unsigned p, enum mullion_region_kind kind, char *object)
{
	const struct mullion_region info = {
		.bytes = MULLION_PAGE_BYTES,
		.kind = (uint16_t)kind,
		.access = READ_WRITE,
	};

	add_object(layout, p, p, info, object);
}

static void add_status(struct layout *layout, unsigned p, unsigned of)
{
	const struct mullion_region info = {
		.bytes = sizeof(struct mullion_status),
		.kind = MULLION_REGION_STATUS,
		.access = MULLION_READ,
		.index = (uint16_t)of,
	};

	add_object(layout, p, of, info, format("status_pages[%u]", of));
}

static void add_console(struct layout *layout, unsigned p, unsigned writer)
{
	const struct layout_region region = {
		.info = { .bytes = layout->blocks[writer].memory.bytes,
			.kind = MULLION_REGION_CONSOLE,
			.access = p == writer ? READ_WRITE : MULLION_READ,
			.peer = (uint16_t)writer },
		.block = (int)writer, /* consoles are the first blocks, one per partition */
	};

	add_region(&layout->partitions[p], region, layout->model->partitions[writer].name);
}

static void add_control(struct layout *layout, unsigned p)
{
	unsigned i;

	for (i = 0; i < layout->model->partitions_count; i++)
		if (i != p)
			add_console(layout, p, i);
	add_read_only(layout, p, MULLION_REGION_LOG, 0, sizeof(struct mullion_console),
		format("kernel_log"));
	for (i = 0; i < layout->cpus_count; i++)
		add_read_only(layout, p, MULLION_REGION_TRACE, i, sizeof(struct mullion_trace),
			format("traces[%u]", i));
	for (i = 0; i < layout->model->partitions_count; i++)
		add_status(layout, p, i);
	add_read_only(layout, p, MULLION_REGION_NODE, 0, sizeof(struct mullion_node),
		format("node_page"));
	add_read_only(layout, p, MULLION_REGION_JOURNAL, 0, sizeof(struct mullion_journal),
		format("journal"));
	add_writable(layout, p, MULLION_REGION_EXCHANGE, format("exchange_page"));
}

static uint64_t channel_bytes(const struct model_channel *channel)
{
	if (channel->type == CHANNEL_SAMPLING)
		return MULLION_SAMPLING_BYTES(channel->message_bytes);
	return MULLION_QUEUING_BYTES(channel->message_bytes, channel->depth);
}

static void add_end(struct layout *layout, size_t number, int p, int peer, int block,
	enum mullion_region_kind kind, unsigned access)
{
	const struct model_channel *channel = &layout->model->channels[number];
	const struct layout_region region = {
		.info = { .bytes = layout->blocks[block].memory.bytes,
			.kind = (uint16_t)kind,
			.access = (uint16_t)access,
			.index = (uint16_t)number,
			.peer = (uint16_t)peer,
			.message_bytes = channel->message_bytes,
			.depth = channel->type == CHANNEL_QUEUING ? channel->depth : 0,
			.refresh_ns = channel->type == CHANNEL_SAMPLING ? channel->refresh_ns : 0 },
		.block = block,
	};

	add_region(&layout->partitions[p], region, channel->name);
}

static bool is_receiver(const struct model_channel *channel, unsigned p)
{
	size_t i;

	for (i = 0; i < channel->to_count; i++)
		if (channel->to[i] == (int)p)
			return true;
	return false;
}

/* Control reads every channel; one whose end it is, as every end does. */
static void add_sight(
	struct layout *layout, size_t number, int peer, int block, enum mullion_region_kind kind)
{
	const struct model_channel *channel = &layout->model->channels[number];
	unsigned p;

	for (p = 0; p < layout->model->partitions_count; p++)
		if (layout->model->partitions[p].control && channel->from != (int)p &&
			!is_receiver(channel, p))
			add_end(layout, number, (int)p, peer, block, kind, MULLION_READ);
}

/* One set of pages, writable at one end and readable at all others. */
static void add_pages(struct layout *layout, size_t number, int block,
	enum mullion_region_kind kind, bool written_by_sender)
{
	const struct model_channel *channel = &layout->model->channels[number];
	size_t i;

	add_end(layout, number, channel->from, channel->to[0], block, kind,
		written_by_sender ? READ_WRITE : MULLION_READ);
	for (i = 0; i < channel->to_count; i++)
		add_end(layout, number, channel->to[i], channel->from, block, kind,
			written_by_sender ? MULLION_READ : READ_WRITE);
}

static void add_channel(struct layout *layout, size_t number)
{
	const struct model_channel *channel = &layout->model->channels[number];
	const char *id = layout_identifier(channel->name);
	int block =
		add_block(layout, format("channel_%s", id), channel_bytes(channel), channel->at);

	if (channel->type == CHANNEL_SAMPLING) {
		add_pages(layout, number, block, MULLION_REGION_SAMPLING, true);
		add_sight(layout, number, channel->from, block, MULLION_REGION_CHANNEL);
		return;
	}
	add_pages(layout, number, block, MULLION_REGION_QUEUING, true);
	add_sight(layout, number, channel->from, block, MULLION_REGION_CHANNEL);
	block = add_block(layout, format("reader_%s", id), MULLION_PAGE_BYTES, channel->at);
	add_pages(layout, number, block, MULLION_REGION_QUEUING_READER, false);
	add_sight(layout, number, channel->to[0], block, MULLION_REGION_CHANNEL_READER);
}

/* ---- The other ends ---- */

static bool are_connected(const struct model *model, unsigned p, unsigned q)
{
	size_t c;

	for (c = 0; c < model->channels_count; c++) {
		const struct model_channel *channel = &model->channels[c];

		if ((channel->from == (int)p && is_receiver(channel, q)) ||
			(channel->from == (int)q && is_receiver(channel, p)))
			return true;
	}
	return false;
}

/* The control role sees all of them already. */
static void add_partners(struct layout *layout, unsigned p)
{
	unsigned q;

	for (q = 0; q < layout->model->partitions_count; q++)
		if (q != p && !layout->model->partitions[p].control &&
			are_connected(layout->model, p, q))
			add_status(layout, p, q);
}

/* ---- Locks: one block for the lock partition and those of its node that take part ---- */

static void add_lock_region(struct layout *layout, int p, int block)
{
	const struct layout_region region = {
		.info = { .bytes = layout->blocks[block].memory.bytes,
			.kind = MULLION_REGION_LOCKS,
			.access = MULLION_READ,
			.peer = (uint16_t)p },
		.block = block,
	};

	add_region(&layout->partitions[p], region, "locks");
}

static void add_locks(struct layout *layout)
{
	const struct model_locks *locks = layout->model->locks;
	size_t i;
	int block;

	if (!locks || !locks->plan)
		return;
	block = add_block(layout, format("locks"), locks->plan->block_bytes, locks->at);
	layout->blocks[block].file = LAYOUT_LOCKS_FILE;
	add_lock_region(layout, locks->lockd, block);
	for (i = 0; i < locks->plan->locals; i++)
		add_lock_region(layout, locks->plan->local[i].partition, block);
}

/* ---- RDMA: a table for each service, and two areas for each of its clients ---- */

static void add_table(struct layout *layout, const struct model_rdma *rdma)
{
	const char *id = layout->partitions[rdma->partition].id;
	const int block =
		add_block(layout, format("rdma_%s", id), sizeof(struct rdma_table), rdma->at);
	const struct layout_region region = {
		.info = { .bytes = layout->blocks[block].memory.bytes,
			.kind = MULLION_REGION_RDMA,
			.access = MULLION_READ,
			.peer = (uint16_t)rdma->partition },
		.block = block,
	};

	layout->blocks[block].file = format(LAYOUT_RDMA_FILE, id);
	add_region(&layout->partitions[rdma->partition], region, "rdma");
}

/* One end of an area, as the partition at the other end has it, too. */
static void add_area_end(struct layout *layout, size_t p, size_t peer, struct layout_region region,
	unsigned access, const char *name)
{
	region.info.access = (uint16_t)access;
	region.info.peer = (uint16_t)peer;
	add_region(&layout->partitions[p], region, name);
}

static void add_area(struct layout *layout, const struct model_rdma_client *client, size_t writer,
	size_t reader, uint64_t bytes, const char *name)
{
	const int block =
		add_block(layout, format("area_%s", layout_identifier(name)), bytes, client->at);
	const struct layout_region region = {
		.info = { .bytes = layout->blocks[block].memory.bytes,
			.kind = MULLION_REGION_AREA,
			.index = (uint16_t)layout->areas++ },
		.block = block,
	};

	add_area_end(layout, writer, reader, region, READ_WRITE, name);
	add_area_end(layout, reader, writer, region, MULLION_READ, name);
}

static void add_rdma(struct layout *layout, const struct model_rdma *rdma)
{
	size_t i;

	add_table(layout, rdma);
	for (i = 0; i < rdma->clients_count; i++) {
		const struct model_rdma_client *client = &rdma->clients[i];

		add_area(layout, client, (size_t)client->partition, rdma->partition,
			sizeof(struct rdma_up) + client->up_bytes, client->up);
		add_area(layout, client, rdma->partition, (size_t)client->partition,
			sizeof(struct rdma_down) + client->down_bytes, client->down);
	}
}

static void add_own(struct layout *layout, unsigned p)
{
	const struct model_partition *partition = &layout->model->partitions[p];
	const struct layout_partition *placed = &layout->partitions[p];
	unsigned v;

	for (v = 0; v < placed->vcpus; v++)
		add_read_only(layout, p, MULLION_REGION_TIME, v, MULLION_PAGE_BYTES,
			format("time_pages[%u]", placed->first_vcpu + v));
	add_console(layout, p, p);
	if (partition->watchdog_ns)
		add_writable(layout, p, MULLION_REGION_WATCHDOG,
			format("watchdog_pages[%u]", layout_watchdogs(layout, p)));
	if (partition->control)
		add_control(layout, p);
}

void regions_build(struct layout *layout)
{
	const struct model *model = layout->model;
	unsigned p;
	size_t c;

	for (p = 0; p < model->partitions_count; p++)
		add_block(layout, format("console_%s", layout->partitions[p].id),
			sizeof(struct mullion_console), model->partitions[p].at);
	for (p = 0; p < model->partitions_count; p++)
		add_own(layout, p);
	for (c = 0; c < model->channels_count; c++)
		add_channel(layout, c);
	for (p = 0; p < model->partitions_count; p++)
		add_partners(layout, p);
	add_locks(layout);
	for (c = 0; c < model->rdma_count; c++)
		add_rdma(layout, &model->rdma[c]);
}
