/*
 * Rules about health actions, what they need and what follows too many of them, and about the
 * bounds that verdicts are given against.
 */
#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "model_build.h"

/* What fits everything. */
#define ACTIONS_THAT_END                                                                           \
	"\"stop\", \"restart-warm\", \"restart-cold\", \"switch-schedule\", \"shutdown\" or "      \
	"\"reset\""

/* Calls `function` for every event's action in every health table. */
static void each_action(struct check *check,
	void (*function)(struct check *check, const struct source_property *property, int event,
		const char *action))
{
	for (struct source_node *node = check->source->root; node != NULL;
		node = source_next(node)) {
		if (strcmp(node->name, "health") != 0)
			continue;
		for (size_t i = 0; i < node->properties_count; i++) {
			const struct source_property *p = &node->properties[i];
			const int event = event_by_property(p->name);

			if (event >= 0 && !p->tainted)
				function(check, p, event, (const char *)p->data);
		}
	}
}

static void known(
	struct check *check, const struct source_property *property, int event, const char *action)
{
	(void)event;
	if (action_by_name(action) < 0)
		fault(check, property->at, say(check, "`%s` is no action", action),
			"choose \"log\", \"inject\", " ACTIONS_THAT_END);
}

static void health_action(struct check *check)
{
	each_action(check, known);
}

/*
 * inject needs an instruction to inject into; after a triple fault or an exit nothing goes on as it
 * was: a partition that is neither restarted nor shut down with its node is stopped.
 */
static bool fits(int event, int action)
{
	const bool violation = event <= MULLION_EVENT_INSTRUCTION;
	const bool final = event == MULLION_EVENT_TRIPLE_FAULT || event == MULLION_EVENT_EXIT;

	if (action == MULLION_ACTION_INJECT)
		return violation;
	return action != MULLION_ACTION_LOG || !final;
}

static void fitting(
	struct check *check, const struct source_property *property, int event, const char *name)
{
	const int action = action_by_name(name);

	if (action < 0 || fits(event, action))
		return;
	fault(check, property->at, say(check, "`%s` cannot answer %s", name, property->name),
		say(check, "choose %s%s", fits(event, MULLION_ACTION_LOG) ? "\"log\", " : "",
			ACTIONS_THAT_END));
}

static void health_fit(struct check *check)
{
	each_action(check, fitting);
}

/* ---- Actions that need something ---- */

/* Where a health table says it: an event's action, or what follows too many; NULL: not in it. */
static const struct source_property *where_said(const struct source_node *health, int action)
{
	for (size_t i = 0; health != NULL && i < health->properties_count; i++) {
		const struct source_property *p = &health->properties[i];

		if ((event_by_property(p->name) >= 0 || strcmp(p->name, "escalate-action") == 0) &&
			!p->tainted && action_by_name((const char *)p->data) == action)
			return p;
	}
	return NULL;
}

static bool does(const struct model_partition *partition, int action)
{
	for (int event = 0; event < MULLION_EVENT_COUNT; event++)
		if (partition->actions[event] == action)
			return true;
	return partition->escalate_count != 0 && partition->escalate_action == action;
}

/* Calls `function` for every partition that the action may strike, with where its table says so. */
static void each_partition_that(struct check *check, int action,
	void (*function)(struct check *check, const struct model_partition *partition,
		const struct source_property *said))
{
	const struct source_node *all = source_child(check->source->root, "health");

	for (size_t i = 0; i < check->model->partitions_count; i++) {
		const struct model_partition *p = &check->model->partitions[i];
		const struct source_node *own = source_child(node_at(check, p->at), "health");
		const struct source_property *said = where_said(own, action);

		if (said == NULL)
			said = where_said(all, action);
		if (does(p, action) && said != NULL)
			function(check, p, said);
	}
}

static void has_schedule(struct check *check, const struct model_partition *partition,
	const struct source_property *said)
{
	const struct source_node *all = source_child(check->source->root, "health");
	const struct source_node *own = source_child(node_at(check, partition->at), "health");

	if (source_property(own, "schedule") == NULL && source_property(all, "schedule") == NULL)
		fault(check, said->at,
			say(check, "`%s` switches to a schedule, and nothing says to which",
				said->name),
			"add schedule = <&...> to the same table");
}

static void health_schedule(struct check *check)
{
	each_partition_that(check, MULLION_ACTION_SCHEDULE, has_schedule);
}

static void can_reset(struct check *check, const struct model_partition *partition,
	const struct source_property *said)
{
	(void)partition;
	if (written(check, check->model->board.at, "reset"))
		return;
	fault(check, said->at,
		say(check, "`%s` resets the node, but the board says not how", said->name),
		"add reset = <&...> and reset-value to the board, or choose \"shutdown\"");
}

static void health_reset(struct check *check)
{
	each_partition_that(check, MULLION_ACTION_RESET, can_reset);
}

/* ---- Escalation ---- */

/* Calls `function` for every health table. */
static void each_table(struct check *check,
	void (*function)(struct check *check, const struct source_node *health))
{
	for (const struct source_node *node = check->source->root; node != NULL;
		node = source_next(node))
		if (strcmp(node->name, "health") == 0)
			function(check, node);
}

static void whole(struct check *check, const struct source_node *health)
{
	static const struct {
		const char *name, *example;
	} parts[] = { { "escalate-count", "<3>" }, { "escalate-within-ns", "<ms(100)>" },
		{ "escalate-action", "\"stop\"" } };
	const struct source_property *said = NULL;

	for (size_t i = 0; i < 3 && said == NULL; i++)
		said = source_property(health, parts[i].name);
	for (size_t i = 0; i < 3 && said != NULL; i++) {
		if (source_property(health, parts[i].name) != NULL)
			continue;
		fault(check, said->at,
			say(check, "`%s` is given without `%s`", said->name, parts[i].name),
			say(check, "add %s = %s", parts[i].name, parts[i].example));
		return;
	}
}

static void escalate_whole(struct check *check)
{
	each_table(check, whole);
}

static void counted(struct check *check, const struct source_node *health)
{
	const struct source_property *count = source_property(health, "escalate-count");

	if (count != NULL && source_cells(count) == 1 &&
		(source_cell(count, 0) < 2 || source_cell(count, 0) > MULLION_ESCALATE_MAX))
		fault(check, count->at,
			say(check, "the event number %" PRIu32 " is to be answered otherwise",
				source_cell(count, 0)),
			say(check,
				"choose from 2 to %u; what answers the first is the action of its "
				"event",
				MULLION_ESCALATE_MAX));
}

static void escalate_count(struct check *check)
{
	each_table(check, counted);
}

static void answered(struct check *check, const struct source_node *health)
{
	const struct source_property *said = source_property(health, "escalate-action");

	if (said != NULL && !said->tainted &&
		action_by_name((const char *)said->data) <= MULLION_ACTION_INJECT)
		fault(check, said->at,
			say(check, "too many events cannot be answered by `%s`",
				(const char *)said->data),
			"choose " ACTIONS_THAT_END);
}

static void escalate_action(struct check *check)
{
	each_table(check, answered);
}

static void bounds_fit(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->partitions_count; i++) {
		const struct model_partition *p = &model->partitions[i];
		const struct source_node *bounds = source_child(node_at(check, p->at), "bounds");
		const bool owned = written(check, p->at, "cpus");

		for (size_t k = 0; bounds != NULL && k < p->bounds_count; k++) {
			const char *stream = p->bounds[k].stream;
			const char *property = say(check, "%s-ns", stream);

			if (strcmp(stream, "phase") == 0 && owned)
				fault(check, place(check, bounds->at, property),
					say(check,
						"%s owns its CPUs: it has no windows whose phase "
						"could "
						"be measured",
						p->name),
					"remove `phase-ns`");
			if (strcmp(stream, "gap") == 0 && !owned)
				fault(check, place(check, bounds->at, property),
					say(check,
						"%s runs in windows: its longest gap is the "
						"schedule's, "
						"not the kernel's",
						p->name),
					"remove `gap-ns`, and bound `phase-ns` instead");
		}
	}
}

const struct rule rules_health[] = {
	{ "health-action", "A health action is one that the node has.", TIER_MEANING,
		health_action },
	{ "health-fit", "A health action can answer its event.", TIER_MEANING, health_fit },
	{ "health-schedule", "Who switches schedules for health's sake says to which.",
		TIER_MEANING, health_schedule },
	{ "health-reset", "Who resets the node has a board that says how.", TIER_MEANING,
		health_reset },
	{ "escalate-whole", "Escalation has a count, a time and an action, or none of them.",
		TIER_MEANING, escalate_whole },
	{ "escalate-count", "Escalation begins with the 2nd to the 8th event.", TIER_MEANING,
		escalate_count },
	{ "escalate-action", "Escalation is more than to log or to inject.", TIER_MEANING,
		escalate_action },
	{ "bounds-fit", "A gap is bounded on owned CPUs, a phase on framed ones.", TIER_MEANING,
		bounds_fit },
	{ NULL, NULL, TIER_COUNT, NULL },
};
