/*
 * Rules about the shape: only nodes and properties the binding knows, each of its type.
 */
#include <inttypes.h>
#include <string.h>

#include "binding.h"
#include "check.h"
#include "model_build.h"
#include "words.h"

#define LONGEST_DURATION_NS 3600000000000ull /* an hour */
#define MOST_NAMES          32u

static bool is_duration(const char *name)
{
	const size_t length = strlen(name);

	return length > 3 && strcmp(name + length - 3, "-ns") == 0;
}

/* dtc adds `phandle` to what is referred to; only a written one has a place of its own. */
static bool added_by_dtc(const struct source_node *node, const struct source_property *property)
{
	return strcmp(property->name, "phandle") == 0 && property->at.line == node->at.line &&
	       property->at.column == node->at.column;
}

static const char *list_names(struct check *check, const char *const *names)
{
	const char *list = names[0] == NULL ? "nothing" : names[0];

	for (size_t i = 1; names[0] != NULL && names[i] != NULL; i++)
		list = say(check, "%s, %s", list, names[i]);
	return list;
}

/* `duration-us` where `duration-ns` is known: the stem's length, or 0. */
static const struct binding_property *other_unit(
	const struct binding_node *binding, const char *name)
{
	const char *dash = strrchr(name, '-');
	const size_t stem = dash == NULL ? strlen(name) : (size_t)(dash - name);

	for (const struct binding_property *p = binding->properties; p->name != NULL; p++) {
		if (!is_duration(p->name) || strlen(p->name) < 3)
			continue;
		if (strlen(p->name) - 3 == stem && strncmp(p->name, name, stem) == 0)
			return p;
		if (strlen(p->name) - 3 == strlen(name) &&
			strncmp(p->name, name, strlen(name)) == 0)
			return p;
	}
	return NULL;
}

static void unknown_property(struct check *check, struct source_node *node,
	const struct binding_node *binding, const char *name)
{
	const char *known[MOST_NAMES + 1] = { NULL };
	const char *nearest;
	size_t count = 0;

	for (const struct binding_property *p = binding->properties;
		p->name != NULL && count < MOST_NAMES; p++)
		known[count++] = p->name;
	nearest = words_nearest(name, known);
	fault_property(check, node, name,
		say(check, "%s has no property `%s`", binding->noun, name),
		nearest != NULL
			? say(check, "write `%s`", nearest)
			: say(check, "remove it; known here: %s", list_names(check, known)));
}

static void known_properties(struct check *check)
{
	for (struct source_node *node = check->source->root; node != NULL;
		node = source_next(node)) {
		const struct binding_node *binding = binding_of(node);

		for (size_t i = 0; binding != NULL && i < node->properties_count; i++) {
			const struct source_property *property = &node->properties[i];

			if (binding_property(binding, property->name) == NULL &&
				!added_by_dtc(node, property) &&
				other_unit(binding, property->name) == NULL)
				unknown_property(check, node, binding, property->name);
		}
	}
}

static void duration_units(struct check *check)
{
	for (struct source_node *node = check->source->root; node != NULL;
		node = source_next(node)) {
		const struct binding_node *binding = binding_of(node);

		for (size_t i = 0; binding != NULL && i < node->properties_count; i++) {
			const char *name = node->properties[i].name;
			const struct binding_property *meant = other_unit(binding, name);

			if (meant == NULL || binding_property(binding, name) != NULL)
				continue;
			fault_property(check, node, name,
				say(check, "`%s` is not in nanoseconds", name),
				say(check,
					"write `%s`, with us(...) or ms(...) where that is shorter",
					meant->name));
		}
	}
}

static void unknown_node(struct check *check, struct source_node *node)
{
	const struct binding_node *parent = binding_of(node->parent);
	const char *known[MOST_NAMES + 1] = { NULL };
	const char *nearest;
	size_t count = 0;

	for (const struct binding_node *child = parent->children;
		child != NULL && child->noun != NULL && count < MOST_NAMES; child++)
		known[count++] = child->name;
	nearest = words_nearest(node->name, known);
	fault_node(check, node, say(check, "%s has no node `%s`", parent->noun, node->name),
		nearest != NULL
			? say(check, "write `%s`", nearest)
			: say(check, "remove it; known here: %s", list_names(check, known)));
}

static void known_nodes(struct check *check)
{
	for (struct source_node *node = check->source->root; node != NULL; node = source_next(node))
		if (binding_of(node) == NULL && binding_of(node->parent) != NULL)
			unknown_node(check, node);
}

static const struct {
	const char *words;
	const char *example;
} type_words[TYPE_COUNT] = {
	[TYPE_FLAG] = { "a flag without a value", ";" },
	[TYPE_STRING] = { "one string that is not empty", " = \"...\";" },
	[TYPE_STRINGS] = { "strings that are not empty", " = \"...\", \"...\";" },
	[TYPE_CELL] = { "one number of 32 bits", " = <...>;" },
	[TYPE_CELLS] = { "a list of numbers", " = <0 1>;" },
	[TYPE_PAIRS] = { "rows of two numbers", " = <2 64>, ...;" },
	[TYPE_FIRST_LAST] = { "a first and a last number", " = <7000 7009>;" },
	[TYPE_QUANTITY] = { "one quantity of 32 or 64 bits", " = <...>; or = /bits/ 64 <...>;" },
	[TYPE_FRACTION] = { "an exact fraction", " = /bits/ 64 <numerator denominator>;" },
	[TYPE_PORTS] = { "a first port and a count", " = <0x3f8 8>;" },
	[TYPE_RANGE] = { "an address and a size of 64 bits", " = <0 0xfee00000 0 0x1000>;" },
	[TYPE_RANGES] = { "addresses and sizes of 64 bits", " = <0 0 0 0xa0000>;" },
	[TYPE_CPUID] = { "rows of six numbers", " = <leaf subleaf eax ebx ecx edx>, ...;" },
	[TYPE_CONFIG] = { "16 to 64 doublewords from offset 0", " = <0x00101b36 ...>;" },
	[TYPE_BARS] = { "rows of index, base and size, the latter two of 64 bits",
		" = <0 0 0xe0000000 0 0x4000>, ...; or nothing where there is none" },
	[TYPE_INTERRUPTS] = { "rows of function, message, CPU and vector",
		" = <&nvme 0 1 0x50>, ...;" },
	[TYPE_PARTITION] = { "one reference to a partition", " = <&nav>;" },
	[TYPE_PARTITIONS] = { "references to partitions", " = <&nav &probe>;" },
	[TYPE_SCHEDULE] = { "one reference to a schedule", " = <&normal>;" },
	[TYPE_DEVICE] = { "one reference to a device", " = <&uart0>;" },
	[TYPE_GRANTS] = { "references to devices and PCI functions", " = <&uart0 &nvme>;" },
	[TYPE_IOMMU] = { "one reference to an IOMMU", " = <&iommu0>;" },
	[TYPE_FUNCTION] = { "one reference to a PCI function", " = <&nvme>;" },
	[TYPE_LOCK_GROUP] = { "one reference to a lock group", " = <&front>;" },
	[TYPE_SHARERS] = { "rows of participant, priority and deadline", " = <&adder 0 0>, ...;" },
};

static bool is_one_string(const struct source_property *property)
{
	return property->form == SOURCE_STRINGS && property->bytes > 1 &&
	       strlen((const char *)property->data) + 1 == property->bytes;
}

static bool are_strings(const struct source_property *property)
{
	const char *text = (const char *)property->data;
	const char *const end = text + property->bytes;

	if (property->form != SOURCE_STRINGS)
		return false;
	for (; text < end && *text != '\0'; text += strlen(text) + 1)
		;
	return text == end;
}

static bool is_of_type(const struct source_property *property, enum binding_type type)
{
	const size_t cells = property->form == SOURCE_CELLS ? source_cells(property) : 0;
	const size_t wide = property->form == SOURCE_WIDE ? source_cells(property) / 2 : 0;

	switch (type) {
	case TYPE_FLAG:
		return property->form == SOURCE_EMPTY;
	case TYPE_STRING:
		return is_one_string(property);
	case TYPE_STRINGS:
		return are_strings(property);
	case TYPE_CELL:
	case TYPE_PARTITION:
	case TYPE_SCHEDULE:
	case TYPE_DEVICE:
	case TYPE_IOMMU:
	case TYPE_FUNCTION:
	case TYPE_LOCK_GROUP:
		return cells == 1;
	case TYPE_CELLS:
	case TYPE_PARTITIONS:
	case TYPE_GRANTS:
		return cells >= 1;
	case TYPE_PAIRS:
		return cells >= 2 && cells % 2 == 0;
	case TYPE_FIRST_LAST:
		return cells == 2;
	case TYPE_QUANTITY:
		return cells == 1 || wide == 1;
	case TYPE_FRACTION:
		return wide == 2;
	case TYPE_PORTS:
		return cells == 2;
	case TYPE_RANGE:
		return cells == 4 || wide == 2;
	case TYPE_RANGES:
		return cells + 2 * wide >= 4 && (cells + 2 * wide) % 4 == 0;
	case TYPE_CPUID:
		return cells >= 6 && cells % 6 == 0;
	case TYPE_CONFIG:
		return cells >= 16 && cells <= 64;
	case TYPE_BARS:
		return property->form == SOURCE_EMPTY || (cells >= 5 && cells % 5 == 0);
	case TYPE_INTERRUPTS:
		return cells >= 4 && cells % 4 == 0;
	case TYPE_SHARERS:
		return cells >= 3 && cells % 3 == 0;
	case TYPE_COUNT:
		break;
	}
	return false;
}

static void property_types(struct check *check)
{
	for (struct source_node *node = check->source->root; node != NULL;
		node = source_next(node)) {
		const struct binding_node *binding = binding_of(node);

		for (size_t i = 0; binding != NULL && i < node->properties_count; i++) {
			const struct source_property *property = &node->properties[i];
			const struct binding_property *known =
				binding_property(binding, property->name);

			if (known == NULL || is_of_type(property, known->type))
				continue;
			fault_property(check, node, property->name,
				say(check, "`%s` of %s is %s", property->name, binding->noun,
					type_words[known->type].words),
				say(check, "write %s%s", property->name,
					type_words[known->type].example));
		}
	}
}

static void required_properties(struct check *check)
{
	for (struct source_node *node = check->source->root; node != NULL;
		node = source_next(node)) {
		const struct binding_node *binding = binding_of(node);
		const struct binding_property *p = binding == NULL ? NULL : binding->properties;

		for (; p != NULL && p->name != NULL; p++) {
			if (!p->required || source_property(node, p->name) != NULL)
				continue;
			fault_node(check, node,
				say(check, "`%s` is missing in %s", p->name,
					node->parent == NULL ? "the root" : node->name),
				say(check, "add %s%s", p->name, type_words[p->type].example));
		}
	}
}

static bool has_child(const struct source_node *node, const struct binding_node *binding)
{
	for (const struct source_node *child = node->children; child != NULL; child = child->next)
		if (binding_of(child) == binding)
			return true;
	return false;
}

static void required_nodes(struct check *check)
{
	for (struct source_node *node = check->source->root; node != NULL;
		node = source_next(node)) {
		const struct binding_node *binding = binding_of(node);
		const struct binding_node *child = binding == NULL ? NULL : binding->children;

		for (; child != NULL && child->noun != NULL; child++) {
			if (!child->required || has_child(node, child))
				continue;
			fault_node(check, node,
				say(check, "%s is missing in %s", child->noun,
					node->parent == NULL ? "the root" : node->name),
				node->parent == NULL
					? "include a board (boards/qemu-q35.dtsi) and describe "
					  "partitions { }"
					: say(check, "describe at least one in `%s`", node->name));
		}
	}
}

static bool in_group(const struct source_node *node, const char *group)
{
	return node != NULL && node->parent != NULL && node->parent->parent != NULL &&
	       node->parent->parent->parent == NULL && strcmp(node->parent->name, group) == 0;
}

static bool is_device(const struct source_node *node)
{
	return in_group(node, "io") || in_group(node, "mmio");
}

static bool is_good_target(const struct source_node *node, enum binding_type type)
{
	switch (type) {
	case TYPE_PARTITION:
	case TYPE_PARTITIONS:
		return in_group(node, "partitions");
	case TYPE_SCHEDULE:
		return in_group(node, "schedules");
	case TYPE_GRANTS:
		return is_device(node) || binding_is_function(node);
	case TYPE_IOMMU:
		return in_group(node, "iommus");
	case TYPE_FUNCTION:
	case TYPE_INTERRUPTS:
		return binding_is_function(node);
	case TYPE_LOCK_GROUP:
		return binding_is_lock_group(node);
	case TYPE_SHARERS:
		return binding_is_participant(node);
	default:
		return is_device(node);
	}
}

static const struct {
	const char *noun, *group;
} target_words[TYPE_COUNT] = {
	[TYPE_INTERRUPTS] = { "a PCI function", "`pci`" },
	[TYPE_PARTITION] = { "a partition", "`partitions`" },
	[TYPE_PARTITIONS] = { "a partition", "`partitions`" },
	[TYPE_SCHEDULE] = { "a schedule", "`schedules`" },
	[TYPE_DEVICE] = { "a device", "`io`" },
	[TYPE_GRANTS] = { "a device", "`io` or `pci`" },
	[TYPE_IOMMU] = { "an IOMMU", "`iommus`" },
	[TYPE_FUNCTION] = { "a PCI function", "`pci`" },
	[TYPE_LOCK_GROUP] = { "a lock group", "`locks/groups`" },
	[TYPE_SHARERS] = { "a participant", "a node of `locks/nodes`" },
};

/* Rows begin with their reference; elsewhere every cell is one. */
static size_t cells_per_reference(enum binding_type type)
{
	return type == TYPE_INTERRUPTS ? 4 : type == TYPE_SHARERS ? 3 : 1;
}

static void check_targets(struct check *check, struct source_node *node,
	const struct source_property *property, enum binding_type type)
{
	const size_t step = cells_per_reference(type);

	if (property->references != source_cells(property) / step) {
		fault_property(check, node, property->name,
			say(check, "`%s` holds %s", property->name,
				step == 1 ? "a number where a reference is asked for"
					  : "rows that do not begin with a reference"),
			say(check, "refer to the label of a node in %s", target_words[type].group));
		return;
	}
	for (size_t i = 0; i < source_cells(property); i += step) {
		const struct source_node *target =
			source_by_phandle(check->source, source_cell(property, i));

		if (is_good_target(target, type))
			continue;
		fault_property(check, node, property->name,
			say(check, "`%s` names %s, which is not %s", property->name,
				target == NULL ? "nothing" : say(check, "`%s`", target->name),
				target_words[type].noun),
			say(check, "refer to the label of a node in %s", target_words[type].group));
	}
}

static void targets(struct check *check)
{
	for (struct source_node *node = check->source->root; node != NULL;
		node = source_next(node)) {
		const struct binding_node *binding = binding_of(node);

		for (size_t i = 0; binding != NULL && i < node->properties_count; i++) {
			const struct source_property *property = &node->properties[i];
			const struct binding_property *known =
				binding_property(binding, property->name);

			if (known != NULL && !property->tainted &&
				target_words[known->type].noun != NULL)
				check_targets(check, node, property, known->type);
		}
	}
}

static void expect_cells(
	struct check *check, struct source_node *node, const char *name, uint32_t expected)
{
	const struct source_property *property = source_property(node, name);

	if (property == NULL || property->tainted || source_cell(property, 0) == expected)
		return;
	fault_property(check, node, name,
		say(check, "`%s` is %" PRIu32, name, source_cell(property, 0)),
		say(check, "write %s = <%" PRIu32 ">", name, expected));
}

static void address_cells(struct check *check)
{
	static const struct {
		const char *name;
		uint32_t address, size;
	} buses[] = { { "cpus", 1, 0 }, { "io", 1, 1 }, { "mmio", 2, 2 }, { "iommus", 2, 2 },
		{ "pci", 1, 0 } };
	struct source_node *root = check->source->root;

	expect_cells(check, root, "#address-cells", 2);
	expect_cells(check, root, "#size-cells", 2);
	for (size_t i = 0; i < sizeof(buses) / sizeof(buses[0]); i++) {
		struct source_node *bus = source_child(root, buses[i].name);

		expect_cells(check, bus, "#address-cells", buses[i].address);
		expect_cells(check, bus, "#size-cells", buses[i].size);
	}
	for (struct source_node *node = root; node != NULL; node = source_next(node)) {
		if (!binding_is_bridge(node))
			continue;
		expect_cells(check, node, "#address-cells", 1);
		expect_cells(check, node, "#size-cells", 0);
	}
}

static void expect_string(
	struct check *check, struct source_node *node, const char *name, const char *expected)
{
	const struct source_property *property = source_property(node, name);

	if (property == NULL || property->tainted ||
		strcmp((const char *)property->data, expected) == 0)
		return;
	fault_property(check, node, name,
		say(check, "`%s` is \"%s\"", name, (const char *)property->data),
		say(check, "write %s = \"%s\"", name, expected));
}

static void compatible(struct check *check)
{
	expect_string(check, check->source->root, "compatible", "mullion,system");
	expect_string(
		check, source_child(check->source->root, "board"), "compatible", "mullion,board");
}

static void device_type(struct check *check)
{
	for (struct source_node *node = check->source->root; node != NULL;
		node = source_next(node)) {
		if (in_group(node, "cpus"))
			expect_string(check, node, "device_type", "cpu");
		else if (node->parent == check->source->root &&
			 strncmp(node->name, "memory@", 7) == 0)
			expect_string(check, node, "device_type", "memory");
	}
}

/* Every duration of the description, wherever it stands. */
static void each_duration(
	struct check *check, void (*function)(struct check *check, struct source_node *node,
				     const struct source_property *property, uint64_t ns))
{
	for (struct source_node *node = check->source->root; node != NULL;
		node = source_next(node)) {
		const struct binding_node *binding = binding_of(node);

		for (size_t i = 0; binding != NULL && i < node->properties_count; i++) {
			const struct source_property *property = &node->properties[i];
			uint64_t ns;

			if (binding_property(binding, property->name) != NULL &&
				!property->tainted && is_duration(property->name) &&
				read_quantity(property, &ns))
				function(check, node, property, ns);
		}
	}
}

static void not_zero(struct check *check, struct source_node *node,
	const struct source_property *property, uint64_t ns)
{
	if (ns == 0)
		fault_property(check, node, property->name,
			say(check, "`%s` of `%s` is 0", property->name, node->name),
			"give it in nanoseconds, or with us(...) or ms(...)");
}

static void duration_zero(struct check *check)
{
	each_duration(check, not_zero);
}

static void not_long(struct check *check, struct source_node *node,
	const struct source_property *property, uint64_t ns)
{
	if (ns > LONGEST_DURATION_NS)
		fault_property(check, node, property->name,
			say(check, "`%s` of `%s` is %s, more than an hour", property->name,
				node->name, say_ns(check, ns)),
			"count the zeros: the unit is the nanosecond");
}

static void duration_long(struct check *check)
{
	each_duration(check, not_long);
}

const struct rule rules_shape[] = {
	{ "unknown-node", "Only nodes that the binding knows appear.", TIER_SHAPE, known_nodes },
	{ "unknown-property", "A node has only properties that the binding knows.", TIER_SHAPE,
		known_properties },
	{ "duration-unit", "Durations are given in nanoseconds, in properties that end in -ns.",
		TIER_SHAPE, duration_units },
	{ "property-type", "A property has the type that the binding gives it.", TIER_SHAPE,
		property_types },
	{ "property-missing", "A node has every property that it needs.", TIER_SHAPE,
		required_properties },
	{ "node-missing", "A description has a board, CPUs, memory and at least one partition.",
		TIER_SHAPE, required_nodes },
	{ "target", "A reference names a node of the kind that is asked for.", TIER_SHAPE,
		targets },
	{ "address-cells", "Addresses and sizes have the number of cells that the binding fixes.",
		TIER_SHAPE, address_cells },
	{ "compatible", "The root and the board say that they are Mullion's.", TIER_SHAPE,
		compatible },
	{ "device-type", "CPUs and memory have the device_type of the devicetree specification.",
		TIER_SHAPE, device_type },
	{ "duration-zero", "A duration is not zero.", TIER_SHAPE, duration_zero },
	{ "duration-long", "A duration is at most one hour.", TIER_SHAPE, duration_long },
	{ NULL, NULL, TIER_COUNT, NULL },
};
