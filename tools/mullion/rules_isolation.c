/*
 * Rules about isolation: two partitions never own functions that can reach each other without the
 * IOMMU between them, or that it cannot tell apart.
 *
 * For two functions of different owners the strongest reason is named, and only that one: what is
 * said of a bus of conventional PCI need not be said again of its requester id.
 */
#include <inttypes.h>

#include "check.h"

enum reason {
	APART,
	SAME_CONVENTIONAL_BUS,
	SAME_REQUESTER,
	SAME_DEVICE,
	SAME_BRIDGE,
	NEXT_TO_PORT,
};

struct bond {
	enum reason reason;
	const struct model_bridge *bridge; /* that makes it */
};

static const struct model_bridge *bridge_above(const struct model *model, int index)
{
	return index < 0 ? NULL : &model->bridges[index];
}

static bool is_above(const struct model *model, const struct model_bridge *bridge, int index)
{
	for (; index >= 0; index = model->bridges[index].parent)
		if (&model->bridges[index] == bridge)
			return true;
	return false;
}

/* The nearest bridge above both, or NULL. */
static const struct model_bridge *common_bridge(
	const struct model *model, const struct model_function *a, const struct model_function *b)
{
	for (int i = a->bridge; i >= 0; i = model->bridges[i].parent)
		if (is_above(model, &model->bridges[i], b->bridge))
			return &model->bridges[i];
	return NULL;
}

/* What a function hangs from on the bus below `bridge`: itself, or a bridge. */
struct branch {
	uint16_t bdf;
	bool acs;
	const struct model_bridge *bridge; /* NULL: itself */
};

static struct branch branch_below(const struct model *model, const struct model_bridge *bridge,
	const struct model_function *function)
{
	struct branch branch = { function->bdf, function->acs, NULL };

	for (int i = function->bridge; bridge_above(model, i) != bridge;
		i = model->bridges[i].parent)
		branch = (struct branch){ model->bridges[i].bdf, model->bridges[i].acs,
			&model->bridges[i] };
	return branch;
}

/* A port of a switch that may send what comes from below it to the ports beside it. */
static bool leaks(struct branch branch)
{
	return branch.bridge != NULL && branch.bridge->type == BRIDGE_SWITCH_PORT && !branch.acs;
}

static struct bond bond_of(
	const struct model *model, const struct model_function *a, const struct model_function *b)
{
	const struct model_bridge *common = common_bridge(model, a, b);
	const struct branch of_a = branch_below(model, common, a);
	const struct branch of_b = branch_below(model, common, b);

	for (const struct model_bridge *up = common; up != NULL;
		up = bridge_above(model, up->parent))
		if (up->type == BRIDGE_PCI)
			return (struct bond){ SAME_CONVENTIONAL_BUS, up };
	if (a->requester == b->requester)
		return (struct bond){ SAME_REQUESTER, NULL };
	if (of_a.bdf >> 3 == of_b.bdf >> 3 && !(of_a.acs && of_b.acs))
		return (struct bond){ SAME_DEVICE, NULL };
	for (const struct model_bridge *up = common; up != NULL;
		up = bridge_above(model, up->parent))
		if (!up->acs)
			return (struct bond){ SAME_BRIDGE, up };
	if (common != NULL && (leaks(of_a) || leaks(of_b)))
		return (struct bond){ NEXT_TO_PORT, leaks(of_a) ? of_a.bridge : of_b.bridge };
	return (struct bond){ APART, NULL };
}

static void object(struct check *check, const struct model_function *a,
	const struct model_function *b, const char *why, const char *repair)
{
	const struct model_partition *first = &check->model->partitions[a->owner];
	const struct model_partition *second = &check->model->partitions[b->owner];

	if (first > second) {
		object(check, b, a, why, repair);
		return;
	}
	fault(check, place(check, second->at, "devices"),
		say(check, "%s of %s and %s of %s (line %u) %s", b->name, second->name, a->name,
			first->name, first->at.line, why),
		repair);
}

/* Calls `function` for every two functions of different owners that are bound by this reason. */
static void each_bond(struct check *check, enum reason reason,
	void (*function)(struct check *check, const struct model_function *a,
		const struct model_function *b, const struct model_bridge *bridge))
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->functions_count; i++)
		for (size_t k = 0; k < i; k++) {
			const struct model_function *a = &model->functions[k];
			const struct model_function *b = &model->functions[i];
			struct bond bond;

			if (a->owner < 0 || b->owner < 0 || a->owner == b->owner)
				continue;
			bond = bond_of(model, a, b);
			if (bond.reason == reason)
				function(check, a, b, bond.bridge);
		}
}

static void conventional(struct check *check, const struct model_function *a,
	const struct model_function *b, const struct model_bridge *bridge)
{
	object(check, a, b,
		say(check, "share the bus below %s, where each hears what the other says",
			bridge->name),
		"grant both to one partition");
}

static void isolation_conventional(struct check *check)
{
	each_bond(check, SAME_CONVENTIONAL_BUS, conventional);
}

static void requester(struct check *check, const struct model_function *a,
	const struct model_function *b, const struct model_bridge *bridge)
{
	(void)bridge;
	object(check, a, b,
		say(check, "both say that they are %s: the IOMMU cannot tell them apart",
			say_bdf(check, a->requester)),
		"grant both to one partition, or correct `requester`");
}

static void isolation_requester(struct check *check)
{
	each_bond(check, SAME_REQUESTER, requester);
}

static void device(struct check *check, const struct model_function *a,
	const struct model_function *b, const struct model_bridge *bridge)
{
	(void)bridge;
	object(check, a, b, "belong to one device and may reach each other inside it",
		"grant both to one partition, or state `acs` in both if the device has it for "
		"both");
}

static void isolation_device(struct check *check)
{
	each_bond(check, SAME_DEVICE, device);
}

static void same_bridge(struct check *check, const struct model_function *a,
	const struct model_function *b, const struct model_bridge *bridge)
{
	object(check, a, b,
		say(check, "are both below %s, which may send the requests of one to the other",
			bridge->name),
		say(check, "grant both to one partition, or state `acs` in %s if it has it",
			bridge->name));
}

static void isolation_bridge(struct check *check)
{
	each_bond(check, SAME_BRIDGE, same_bridge);
}

static void next_to_port(struct check *check, const struct model_function *a,
	const struct model_function *b, const struct model_bridge *bridge)
{
	object(check, a, b,
		say(check, "are in one switch, where %s may send requests to its neighbours",
			bridge->name),
		say(check, "grant both to one partition, or state `acs` in %s if it has it",
			bridge->name));
}

static void isolation_switch(struct check *check)
{
	each_bond(check, NEXT_TO_PORT, next_to_port);
}

static const struct model_bridge *conventional_above(
	const struct model *model, const struct model_function *function)
{
	const struct model_bridge *outermost = NULL;

	for (int i = function->bridge; i >= 0; i = model->bridges[i].parent)
		if (model->bridges[i].type == BRIDGE_PCI)
			outermost = &model->bridges[i];
	return outermost;
}

/* The bridge signs for what is below it: PCI Express to PCI bridges 1.0, 2.3. */
static void requester_bridge(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->functions_count; i++) {
		const struct model_function *f = &model->functions[i];
		const struct model_bridge *bridge = conventional_above(model, f);

		if (bridge == NULL || f->requester == bridge->bdf ||
			f->requester == bridge->bus << 8)
			continue;
		fault(check, place(check, f->at, "requester"),
			say(check, "%s is below %s, but its requests are said to bear %s", f->name,
				bridge->name, say_bdf(check, f->requester)),
			say(check, "state requester = <PCI(%u, 0, 0)>, or the bridge's own number",
				bridge->bus));
	}
}

static bool is_bus(const struct model *model, unsigned bus)
{
	for (size_t i = 0; i < model->functions_count; i++)
		if (model->functions[i].bdf >> 8 == bus)
			return true;
	for (size_t i = 0; i < model->bridges_count; i++)
		if (model->bridges[i].bdf >> 8 == bus || model->bridges[i].bus == bus)
			return true;
	return false;
}

static void requester_bus(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->functions_count; i++) {
		const struct model_function *f = &model->functions[i];
		const struct source_property *stated =
			source_property(node_at(check, f->at), "requester");

		if (source_cells(stated) != 1 ||
			(source_cell(stated, 0) <= UINT16_MAX && is_bus(model, f->requester >> 8)))
			continue;
		fault(check, stated->at,
			say(check, "the requester id 0x%" PRIx32 " of %s is on no bus of the board",
				source_cell(stated, 0), f->name),
			"write PCI(bus, device, function) of what signs its requests, or remove "
			"it");
	}
}

const struct rule rules_isolation[] = {
	{ "requester-bus", "A requester id lies on a bus of the board.", TIER_MEANING,
		requester_bus },
	{ "requester-bridge", "Below a bridge to conventional PCI, requests bear the bridge's id.",
		TIER_MEANING, requester_bridge },
	{ "isolation-conventional", "What is below a bridge to conventional PCI has one owner.",
		TIER_MEANING, isolation_conventional },
	{ "isolation-requester", "Functions that share a requester id have one owner.",
		TIER_MEANING, isolation_requester },
	{ "isolation-device", "Functions of one device have one owner, unless both have acs.",
		TIER_MEANING, isolation_device },
	{ "isolation-bridge", "What is below a bridge has one owner, unless the bridge has acs.",
		TIER_MEANING, isolation_bridge },
	{ "isolation-switch", "What is below a switch has one owner, unless its ports have acs.",
		TIER_MEANING, isolation_switch },
	{ NULL, NULL, TIER_COUNT, NULL },
};
