/*
 * Prints docs/rules.md from the rules' own tables, or only their names: the sentences people read
 * are the ones the compiler was built with.
 */
#include <stdio.h>
#include <string.h>

#include "check.h"

static const struct {
	const struct rule *list;
	const char *title;
} chapters[] = {
	{ rules_source, "Language" },
	{ rules_shape, "Shape" },
	{ rules_names, "Names and unit addresses" },
	{ rules_board, "Board" },
	{ rules_cpu, "CPUs" },
	{ rules_partition, "Partitions" },
	{ rules_memory, "Memory" },
	{ rules_image, "Images" },
	{ rules_schedule, "Schedules and windows" },
	{ rules_gap, "Gaps between windows" },
	{ rules_channel, "Channels" },
	{ rules_health, "Health and bounds" },
	{ rules_watchdog, "Watchdogs" },
	{ rules_pci, "IOMMUs and PCI buses" },
	{ rules_config, "Configuration space and base addresses" },
	{ rules_isolation, "Isolation of PCI functions" },
	{ rules_function, "PCI functions of partitions" },
	{ rules_rdma, "RDMA services" },
	{ rules_rdma_client, "Clients of RDMA services" },
	{ rules_lock, "Locks" },
	{ rules_lock_group, "Lock groups" },
	{ rules_lock_bound, "What is promised of locks" },
	{ rules_layout, "Placing, when nothing else is wrong" },
};

#define CHAPTERS (sizeof(chapters) / sizeof(chapters[0]))

static void print_names(void)
{
	for (size_t list = 0; rules[list] != NULL; list++)
		for (const struct rule *rule = rules[list]; rule->name != NULL; rule++)
			puts(rule->name);
}

static const char *title_of(const struct rule *list)
{
	for (size_t i = 0; i < CHAPTERS; i++)
		if (chapters[i].list == list)
			return chapters[i].title;
	return "Others";
}

static void print_document(void)
{
	size_t count = 0;

	for (size_t list = 0; rules[list] != NULL; list++)
		for (const struct rule *rule = rules[list]; rule->name != NULL; rule++)
			count++;
	printf("# The rules\n\nWhat `mullion check` compares a description with: %zu rules, each "
	       "one sentence.\n"
	       "An error names the rule it breaks. `verification/rules/NAME.dts` breaks that rule "
	       "alone.\n"
	       "This file is printed from the compiler's source by `make rules-doc`.\n",
		count);
	for (size_t list = 0; rules[list] != NULL; list++) {
		printf("\n## %s\n\n| rule | sentence |\n|---|---|\n", title_of(rules[list]));
		for (const struct rule *rule = rules[list]; rule->name != NULL; rule++)
			printf("| `%s` | %s |\n", rule->name, rule->sentence);
	}
}

int main(int count, char **arguments)
{
	if (count == 2 && strcmp(arguments[1], "--names") == 0)
		print_names();
	else if (count == 1)
		print_document();
	else
		return fprintf(stderr, "usage: %s [--names]\n", arguments[0]), 2;
	return 0;
}
