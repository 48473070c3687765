/*
 * The means of the rules: finding places, wording sentences, suppressing what merely follows.
 */
#include "check.h"

#include <inttypes.h>
#include <string.h>

#include "model_build.h"

const struct rule *const rules[] = { rules_source, rules_shape, rules_names, rules_board, rules_cpu,
	rules_partition, rules_memory, rules_image, rules_schedule, rules_gap, rules_channel,
	rules_health, rules_watchdog, rules_pci, rules_config, rules_isolation, rules_function,
	rules_rdma, rules_rdma_client, rules_lock, rules_lock_group, rules_lock_bound, rules_layout, NULL };

void check_tier(struct check *check, enum check_tier tier)
{
	for (size_t list = 0; rules[list] != NULL; list++) {
		for (const struct rule *rule = rules[list]; rule->name != NULL; rule++) {
			if (rule->tier != tier)
				continue;
			check->rule = rule;
			rule->function(check);
		}
	}
}

const char *say(struct check *check, const char *format, ...)
{
	va_list arguments;
	const char *text;

	va_start(arguments, format);
	text = arena_format(check->arena, format, arguments);
	va_end(arguments);
	return text;
}

const char *say_ns(struct check *check, uint64_t ns)
{
	if (ns != 0 && ns % 1000000000 == 0)
		return say(check, "%" PRIu64 " s", ns / 1000000000);
	if (ns != 0 && ns % 1000000 == 0)
		return say(check, "%" PRIu64 " ms", ns / 1000000);
	if (ns != 0 && ns % 1000 == 0)
		return say(check, "%" PRIu64 " us", ns / 1000);
	return say(check, "%" PRIu64 " ns", ns);
}

const char *say_bytes(struct check *check, uint64_t bytes)
{
	if (bytes != 0 && bytes % (1u << 30) == 0)
		return say(check, "%" PRIu64 " GiB", bytes >> 30);
	if (bytes != 0 && bytes % (1u << 20) == 0)
		return say(check, "%" PRIu64 " MiB", bytes >> 20);
	if (bytes != 0 && bytes % (1u << 10) == 0)
		return say(check, "%" PRIu64 " KiB", bytes >> 10);
	return say(check, "%" PRIu64 " bytes", bytes);
}

const char *say_range(struct check *check, struct range range)
{
	return say(check, "[0x%" PRIx64 ", 0x%" PRIx64 ")", range.base, range_end(range));
}

const char *say_bdf(struct check *check, uint16_t bdf)
{
	return say(check, "%02x:%02x.%x", bdf >> 8, bdf >> 3 & 0x1f, bdf & 7);
}

struct source_node *node_at(const struct check *check, struct location at)
{
	for (struct source_node *node = check->source->root; node != NULL; node = source_next(node))
		if (same_place(node->at, at))
			return node;
	return NULL;
}

static bool tainted_place(const struct check *check, struct location at)
{
	for (struct source_node *node = check->source->root; node != NULL;
		node = source_next(node)) {
		if (node->tainted && same_place(node->at, at))
			return true;
		for (size_t i = 0; i < node->properties_count; i++)
			if (node->properties[i].tainted && same_place(node->properties[i].at, at))
				return true;
	}
	return false;
}

static void object(
	struct check *check, struct location at, const char *sentence, const char *repair)
{
	const struct finding finding = { at, check->rule->name, sentence, repair };

	report_add(check->report, &finding);
}

void fault(struct check *check, struct location at, const char *sentence, const char *repair)
{
	if (check->source->root == NULL || !tainted_place(check, at))
		object(check, at, sentence, repair);
}

void fault_node(
	struct check *check, struct source_node *node, const char *sentence, const char *repair)
{
	object(check, node->at, sentence, repair);
	node->tainted = true;
}

void fault_property(struct check *check, struct source_node *node, const char *name,
	const char *sentence, const char *repair)
{
	for (size_t i = 0; i < node->properties_count; i++) {
		struct source_property *property = &node->properties[i];

		if (strcmp(property->name, name) != 0)
			continue;
		if (!property->tainted)
			object(check, property->at, sentence, repair);
		property->tainted = true;
		return;
	}
	fault_node(check, node, sentence, repair);
}

bool written(const struct check *check, struct location at, const char *property)
{
	return source_property(node_at(check, at), property) != NULL;
}

struct location place(const struct check *check, struct location at, const char *property)
{
	const struct source_property *found = source_property(node_at(check, at), property);

	return found != NULL ? found->at : at;
}

static bool tainted_node(const struct source_node *node)
{
	for (size_t i = 0; i < node->properties_count; i++)
		if (node->properties[i].tainted)
			return true;
	return node->tainted;
}

bool tainted(const struct check *check, const char *path)
{
	const size_t length = strlen(path);

	for (struct source_node *node = check->source->root; node != NULL; node = source_next(node))
		if (strncmp(node->path, path, length) == 0 && tainted_node(node))
			return true;
	return false;
}

uint64_t range_end(struct range range)
{
	return range.bytes > UINT64_MAX - range.base ? UINT64_MAX : range.base + range.bytes;
}

bool ranges_overlap(struct range a, struct range b)
{
	return a.base < range_end(b) && b.base < range_end(a) && a.bytes != 0 && b.bytes != 0;
}
