/*
 * What is promised of a cluster's locks: every wait with what it is made of, every group's failover. Figures
 * are rounded up to whole microseconds, as promises are.
 */
#include "explain.h"

#include <string.h>

#include "allocate.h"
#include "lock_plan.h"
#include "shares.h"
#include "table.h"

static char *micro(uint64_t ns)
{
	return format("%llu", (unsigned long long)(ns / 1000 + (ns % 1000 != 0)));
}

static void add_micro(struct table *table, uint64_t ns)
{
	table_add(table, "%llu", (unsigned long long)(ns / 1000 + (ns % 1000 != 0)));
}

static char *count(uint64_t number, const char *noun)
{
	const char *plural = number == 1 ? "" : noun[strlen(noun) - 1] == 's' ? "es" : "s";

	return format("%llu %s%s", (unsigned long long)number, noun, plural);
}

static const char *order_name(int discipline)
{
	return discipline == MODEL_LOCK_FIFO      ? "first come, first served"
	       : discipline == MODEL_LOCK_BATCHED ? "batch after batch, by priority within one"
						  : "readers and writers in turns";
}

static void print_head(FILE *out, const struct lock_plan *plan)
{
	const struct model_locks *model = plan->model;
	const struct lock_image *image = (const struct lock_image *)(const void *)plan->block;

	explain_title(
		out, format("Locks: this is node %u of %u, the cluster is %016llx",
			     model->this_node, plan->nodes, (unsigned long long)image->cluster));
	fprintf(out, "  %s in %s, %s at %s, %u of them here; tables of %llu bytes\n",
		count(plan->locks, "lock"), count(plan->groups, "group"),
		count(plan->participants, "participant"), count(plan->nodes, "node"), plan->locals,
		(unsigned long long)plan->block_bytes);
	fprintf(out, "  the lock partition may need %llu bytes here; clocks within %u ppm\n",
		(unsigned long long)lock_plan_memory_bytes(plan, model->this_node),
		model->drift_ppm);
}

static void print_group(FILE *out, const struct lock_plan *plan, uint32_t g)
{
	const struct model_lock_group *model = &plan->model->groups[g];
	const struct lock_plan_group *group = &plan->group_plan[g];
	const struct lock_group *table = &plan->group[g];

	explain_title(out, format("Lock group %s: %s, %s", model->name, count(table->locks, "lock"),
				   count(table->members, "participant")));
	fprintf(out, "  served by       %s, then %s; %s votes; on service level %u\n",
		plan->node[table->nodes[0]].name, plan->node[table->nodes[1]].name,
		plan->node[table->nodes[2]].name, model->service_level);
	fprintf(out,
		"  bounds cover    %s of each message, %s, %s, %s under "
		"way\n",
		count(model->losses, "loss"), count(model->crashes, "dead or revoked holder"),
		count(model->failovers, "failover"), count(group->load.outstanding, "operation"));
	fprintf(out, "  failover        %s us at most, %llu messages\n", micro(group->failover_ns),
		(unsigned long long)group->failover_messages);
	fprintf(out, "  lock, unlock    %llu messages at most\n",
		(unsigned long long)group->messages);
	fprintf(out, "  memory          %llu bytes in each of the two that may lead\n",
		(unsigned long long)group->memory_bytes);
}

static void add_wait(struct table *table, const struct lock_plan *plan, uint32_t s)
{
	const struct lock_plan_slot *slot = &plan->slot_plan[s];
	const struct model_lock *lock = &plan->model->locks[slot->lock];
	const struct model_lock_sharer *sharer = &lock->sharers[slot->sharer];
	const struct model_lock_participant *who = &plan->model->participants[sharer->participant];
	const uint64_t deadline_ns = model_lock_deadline_ns(lock, sharer);
	int term;

	table_add(table, "%s", lock->name);
	table_add(table, "%s", who->name);
	table_add(table, "%s", plan->model->nodes[who->node].name);
	if (lock->discipline == MODEL_LOCK_BATCHED)
		table_add(table, "priority %u", sharer->priority);
	else
		table_add(table, "%s", sharer->reader ? "reader" : "writer");
	add_micro(table, slot->wait.total_ns);
	if (deadline_ns)
		add_micro(table, deadline_ns);
	else
		table_add(table, "-");
	for (term = 0; term < LOCK_TERMS; term++)
		add_micro(table, slot->wait.term_ns[term]);
}

static void print_waits(FILE *out, const struct lock_plan *plan, uint32_t g)
{
	const struct lock_group *group = &plan->group[g];
	struct table table;
	uint32_t s;

	if (!group->slots)
		return;
	fputs("  longest waits, in us, and what they are made of\n", out);
	table_begin(&table, "LOCK|PARTICIPANT|NODE|AS|>WAIT|>DEADLINE|>WAY|>QUEUE|>HOLDS|>HANDOFFS|"
			    ">LOSSES|>CRASHES|>FAILOVER|>TRAFFIC");
	for (s = 0; s < group->slots; s++)
		add_wait(&table, plan, group->first_slot + s);
	table_end(&table, out);
}

static void print_lock(FILE *out, const struct lock_plan *plan, uint32_t l)
{
	const struct model_lock *lock = &plan->model->locks[plan->lock_model[l]];

	fprintf(out, "  %s: rank %u, held for %s us at most%s, %s%s%s\n", lock->name, lock->rank,
		micro(lock->hold_ns),
		lock->revoke ? ", else its holder loses its session"
			     : ", which is reported, not enforced",
		order_name(lock->discipline), lock->cached ? ", cached" : "",
		lock->notify ? ", holders are told who waits" : "");
}

void explain_locks(FILE *out, const struct plan *plan)
{
	const struct lock_plan *locks = plan->model->locks ? plan->model->locks->plan : NULL;
	uint32_t g, l;

	if (!locks)
		return;
	print_head(out, locks);
	for (g = 0; g < locks->groups; g++) {
		print_group(out, locks, g);
		print_waits(out, locks, g);
		for (l = 0; l < locks->group[g].locks; l++)
			print_lock(out, locks, locks->group[g].first_lock + l);
	}
}
