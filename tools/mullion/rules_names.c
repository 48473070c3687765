/*
 * Rules about names and unit addresses.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "binding.h"
#include "check.h"
#include "model_build.h"

/* A letter, then letters, digits, `-` and `_`: also good as part of a symbol and of a file name. */
static bool good_name(const char *name)
{
	if (!isalpha((unsigned char)*name))
		return false;
	for (; *name != '\0'; name++)
		if (!isalnum((unsigned char)*name) && *name != '-' && *name != '_')
			return false;
	return true;
}

/* The groups whose children the user names. */
static const struct {
	const char *group, *noun;
	size_t longest;
} groups[] = {
	{ "partitions", "partition", sizeof(((struct mullion_region *)0)->name) - 1 },
	{ "schedules", "schedule", MULLION_NAME_BYTES - 1 },
	{ "channels", "channel", sizeof(((struct mullion_region *)0)->name) - 1 },
};

#define GROUPS_COUNT (sizeof(groups) / sizeof(groups[0]))

static void bad_characters(struct check *check, struct source_node *node, const char *noun)
{
	if (!good_name(node->name))
		fault_node(check, node,
			say(check, "`%s` cannot be the name of a %s", node->name, noun),
			"begin with a letter and use only letters, digits, `-` and `_`");
}

static const struct source_property *model_name(const struct check *check)
{
	const struct source_property *property = source_property(check->source->root, "model");

	return property == NULL || property->tainted ? NULL : property;
}

static void name_characters(struct check *check)
{
	const struct source_property *model = model_name(check);

	for (size_t i = 0; i < GROUPS_COUNT; i++) {
		struct source_node *group = source_child(check->source->root, groups[i].group);

		for (struct source_node *node = group == NULL ? NULL : group->children;
			node != NULL; node = node->next)
			bad_characters(check, node, groups[i].noun);
	}
	if (model != NULL && !good_name((const char *)model->data))
		fault_property(check, check->source->root, "model",
			say(check, "`%s` cannot be the name of a deployment",
				(const char *)model->data),
			"begin with a letter and use only letters, digits, `-` and `_`");
}

static void name_length(struct check *check)
{
	const struct source_property *model = model_name(check);

	for (size_t i = 0; i < GROUPS_COUNT; i++) {
		struct source_node *group = source_child(check->source->root, groups[i].group);

		for (struct source_node *node = group == NULL ? NULL : group->children;
			node != NULL; node = node->next)
			if (strlen(node->name) > groups[i].longest)
				fault_node(check, node,
					say(check, "the %s's name has %zu characters",
						groups[i].noun, strlen(node->name)),
					say(check, "shorten it to at most %zu", groups[i].longest));
	}
	if (model != NULL && model->bytes > MULLION_NAME_BYTES)
		fault_property(check, check->source->root, "model",
			say(check, "the deployment's name has %zu characters", model->bytes - 1),
			say(check, "shorten it to at most %u", MULLION_NAME_BYTES - 1));
}

static void decimal(struct check *check, struct source_node *node, const char *example)
{
	uint64_t value;

	if (!read_unit(node->name, &value))
		fault_node(check, node,
			say(check, "`%s` has no decimal number after the @", node->name),
			say(check, "write it as in `%s`, without leading zeros", example));
}

/* Windows and the CPUs of schedules are placed by their unit address, which dtc does not read. */
static void unit_decimal(struct check *check)
{
	for (struct source_node *node = check->source->root; node != NULL;
		node = source_next(node)) {
		if (strncmp(node->path, "/schedules/", strlen("/schedules/")) != 0)
			continue;
		if (strncmp(node->name, "window@", strlen("window@")) == 0)
			decimal(check, node, "window@2000000");
		else if (strncmp(node->name, "cpu@", strlen("cpu@")) == 0)
			decimal(check, node, "cpu@0");
	}
}

static void expect_unit(struct check *check, struct source_node *node, const char *unit)
{
	const char *at = strchr(node->name, '@');

	if (at == NULL || strcmp(at + 1, unit) != 0)
		fault(check, node->at,
			say(check, "`%s` does not carry its `reg` as unit address", node->name),
			say(check, "call it `%.*s@%s`, or correct `reg`",
				(int)(at == NULL ? strlen(node->name) : (size_t)(at - node->name)),
				node->name, unit));
}

/* Bridges and functions, by the number as it is written: the model's has 16 bits. */
static void pci_units(struct check *check)
{
	for (struct source_node *node = check->source->root; node != NULL;
		node = source_next(node)) {
		const struct source_property *reg = source_property(node, "reg");

		if ((binding_is_bridge(node) || binding_is_function(node)) && reg != NULL &&
			!reg->tainted)
			expect_unit(check, node, say(check, "%" PRIx32, source_cell(reg, 0)));
	}
}

static void unit_matches(struct check *check)
{
	struct source_node *cpus = source_child(check->source->root, "cpus");

	for (struct source_node *node = cpus == NULL ? NULL : cpus->children; node != NULL;
		node = node->next) {
		const struct source_property *reg = source_property(node, "reg");

		if (reg != NULL && !reg->tainted)
			expect_unit(check, node, say(check, "%" PRIu32, source_cell(reg, 0)));
	}
	for (size_t i = 0; i < check->model->devices_count; i++) {
		const struct model_device *device = &check->model->devices[i];
		struct source_node *node = node_at(check, device->at);
		const struct source_property *reg = source_property(node, "reg");

		if (reg != NULL && !reg->tainted)
			expect_unit(check, node, say(check, "%" PRIx64, device->reg.base));
	}
	for (size_t i = 0; i < check->model->iommus_count; i++)
		expect_unit(check, node_at(check, check->model->iommus[i].at),
			say(check, "%" PRIx64, check->model->iommus[i].reg.base));
	pci_units(check);
}

const struct rule rules_names[] = {
	{ "name-characters", "Names begin with a letter and hold only letters, digits, - and _.",
		TIER_SHAPE, name_characters },
	{ "name-length", "Names fit where partitions and the kernel keep them.", TIER_SHAPE,
		name_length },
	{ "unit-decimal", "A window's offset and a schedule's CPU are decimal numbers after the @.",
		TIER_SHAPE, unit_decimal },
	{ "unit-matches",
		"The unit address of a CPU, device, IOMMU or PCI function is the start of its reg.",
		TIER_MEANING, unit_matches },
	{ NULL, NULL, TIER_COUNT, NULL },
};
