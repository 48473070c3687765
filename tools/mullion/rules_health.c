/*
 * Rules about health actions and about the bounds that verdicts are given against.
 */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "model_build.h"

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

static bool is_later(const char *action)
{
	static const char *const later[] = { "restart-warm", "restart-cold", "switch-schedule" };

	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (strcmp(later[i], action) == 0)
			return true;
	return false;
}

static void known(
	struct check *check, const struct source_property *property, int event, const char *action)
{
	(void)event;
	if (action_by_name(action) < 0 && !is_later(action))
		fault(check, property->at, say(check, "`%s` is no action", action),
			"choose \"log\", \"inject\", \"stop\" or \"shutdown\"");
}

static void health_action(struct check *check)
{
	each_action(check, known);
}

static void available(
	struct check *check, const struct source_property *property, int event, const char *action)
{
	(void)event;
	if (is_later(action))
		fault(check, property->at,
			say(check, "this version does not have the action `%s`", action),
			"choose \"log\", \"inject\", \"stop\" or \"shutdown\"");
}

static void health_later(struct check *check)
{
	each_action(check, available);
}

/* inject needs an instruction to inject into; after a triple fault or an exit nothing goes on. */
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
	const char *choices = "\"stop\" or \"shutdown\"";

	if (action < 0 || fits(event, action))
		return;
	if (fits(event, MULLION_ACTION_LOG))
		choices = "\"log\", \"stop\" or \"shutdown\"";
	fault(check, property->at, say(check, "`%s` cannot answer %s", name, property->name),
		say(check, "choose %s", choices));
}

static void health_fit(struct check *check)
{
	each_action(check, fitting);
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
	{ "health-action", "A health action is log, inject, stop or shutdown.", TIER_MEANING,
		health_action },
	{ "health-later", "Restarts and schedule switches are not yet health actions.",
		TIER_MEANING, health_later },
	{ "health-fit", "A health action can answer its event.", TIER_MEANING, health_fit },
	{ "bounds-fit", "A gap is bounded on owned CPUs, a phase on framed ones.", TIER_MEANING,
		bounds_fit },
	{ NULL, NULL, TIER_COUNT, NULL },
};
