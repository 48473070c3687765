/*
 * What the clients of RDMA services are granted, and how long a frame of each waits in front of the port at
 * most. Waits are rounded up to whole microseconds, as promises are.
 */
#include "explain.h"

#include "allocate.h"
#include "rdma_block.h"
#include "table.h"

static char *address(uint32_t ipv4)
{
	return format("%u.%u.%u.%u", ipv4 >> 24, ipv4 >> 16 & 0xff, ipv4 >> 8 & 0xff, ipv4 & 0xff);
}

/* "lane 2 (4096 bytes), lane 3 (512 bytes)" */
static char *weights(const struct vlarb_table *table)
{
	char *list = format("%s", table->count ? "" : "none");
	unsigned i;

	for (i = 0; i < table->count; i++)
		list = format("%s%slane %u (%u bytes)", list, i ? ", " : "", table->entries[i].vl,
			table->entries[i].weight * VLARB_UNIT_BYTES);
	return list;
}

static char *limit(const struct rdma_table *table)
{
	if (table->lanes.limit == VLARB_UNLIMITED)
		return format("without a limit");
	if (!table->lanes.limit)
		return format("a packet at a time");
	return format("%u bytes at a time", table->lanes.limit * VLARB_LIMIT_BYTES);
}

static void print_head(FILE *out, const struct plan *plan, const struct model_rdma *rdma,
	const struct rdma_table *t)
{
	explain_title(
		out, format("RDMA service %s: %s/%u", plan->model->partitions[rdma->partition].name,
			     address(t->ipv4), rdma->prefix_bits));
	if (t->link_bytes)
		fprintf(out, "  link            %llu bytes a second at least\n",
			(unsigned long long)t->link_bytes);
	fprintf(out, "  high            %s, %s\n", weights(&t->lanes.high), limit(t));
	fprintf(out, "  low             %s\n", weights(&t->lanes.low));
	if (t->vlan)
		fprintf(out, "  tag             VLAN %u\n", t->vlan);
	else
		fprintf(out, "  tag             %s\n", t->tagged ? "of no VLAN" : "none");
	fprintf(out, "  neighbours      %u introduced\n", t->neighbours);
}

static void add_wait(struct table *table, const struct rdma_wait *wait)
{
	if (wait->bytes == RDMA_WAIT_NEVER) {
		table_add(table, "no bound");
		table_add(table, "-");
		return;
	}
	table_add(table, "%llu", (unsigned long long)wait->bytes);
	if (wait->ns)
		table_add(table, "%llu",
			(unsigned long long)(wait->ns / 1000 + (wait->ns % 1000 != 0)));
	else
		table_add(table, "-");
}

static void add_lane(
	struct table *table, const struct rdma_table *t, const struct rdma_grant *grant)
{
	const struct rdma_wait wait = rdma_wait(t, grant);

	table_add(table, "%s", grant->name);
	table_add(table, "%u", grant->sl);
	table_add(table, "%u", t->lanes.vl_of_sl[grant->sl]);
	table_add(table, "%u", t->pcp_of_sl[grant->sl]);
	table_add(table, "%u", t->dscp_of_sl[grant->sl]);
	table_add(table, "%#x", grant->pkey);
	table_add(table, "%llu", (unsigned long long)grant->rate_bytes);
	table_add(table, "%u", grant->burst_bytes);
	add_wait(table, &wait);
}

static void add_quotas(struct table *table, const struct rdma_grant *grant)
{
	table_add(table, "%s", grant->name);
	table_add(table, "%u", grant->qps);
	table_add(table, "%u", grant->cqs);
	table_add(table, "%u", grant->mrs);
	table_add(table, "%u", grant->ahs);
	table_add(table, "%u", grant->depth);
	table_add(table, "%s", explain_bytes(grant->up_bytes));
	table_add(table, "%s", explain_bytes(grant->down_bytes));
	table_add(table, "%s",
		grant->last_port ? format("%u-%u", grant->first_port, grant->last_port) : "none");
}

static void print_service(FILE *out, const struct plan *plan, const struct model_rdma *rdma)
{
	struct rdma_table t;
	struct table table;
	uint32_t i;

	rdma_block(&t, plan->model, rdma);
	print_head(out, plan, rdma, &t);
	fputs("  lanes and rates; the longest wait of a frame in front of the port, in bytes and "
	      "us\n",
		out);
	table_begin(&table, "CLIENT|>SL|>VL|>PCP|>DSCP|>P_KEY|>BYTES/S|>BURST|>WAIT|>US");
	for (i = 0; i < t.clients; i++)
		add_lane(&table, &t, &t.client[i]);
	table_end(&table, out);
	fputs("  quotas\n", out);
	table_begin(&table, "CLIENT|>QPS|>CQS|>MRS|>AHS|>DEPTH|>UP|>DOWN|PORTS");
	for (i = 0; i < t.clients; i++)
		add_quotas(&table, &t.client[i]);
	table_end(&table, out);
}

void explain_rdma(FILE *out, const struct plan *plan)
{
	size_t i;

	for (i = 0; i < plan->model->rdma_count; i++)
		print_service(out, plan, &plan->model->rdma[i]);
}
