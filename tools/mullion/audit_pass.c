/*
 * Who passes an IOMMU, with which tables: each owned function with its owner's, and nobody else.
 *
 * The invariant that is proved: a function reaches exactly its owner's memory, at guest-physical
 * addresses, and nothing beside it; partitions share no tree and no domain id, by which the
 * hardware tells cached translations apart.
 */
#include "audit_devices.h"

#include <stdlib.h>

#include "allocate.h"

/* ---- Trees ---- */

static struct audit_tree *find_tree(const struct audit *audit, uint64_t root)
{
	size_t t;

	for (t = 0; t < audit->devices->trees_count; t++)
		if (audit->devices->trees[t]->map.root == root)
			return audit->devices->trees[t];
	return NULL;
}

static struct audit_tree *new_tree(
	struct audit *audit, const struct audit_pass *pass, uint64_t root, unsigned levels)
{
	struct audit_devices *devices = audit->devices;
	struct audit_tree *tree = allocate(1, sizeof(*tree));
	const bool owned = audit_is_owned(pass->function);

	if (devices->trees_count == devices->trees_room) {
		devices->trees_room = devices->trees_room ? 2 * devices->trees_room : 16;
		devices->trees =
			allocate_more(devices->trees, devices->trees_room, sizeof(*devices->trees));
	}
	devices->trees[devices->trees_count++] = tree;
	tree->partition = owned ? pass->function->table->partition : -1;
	tree->map = (struct audit_map){
		.kind = AUDIT_DMA,
		.who = owned ? format("devices of partition %s",
				       audit->partitions[tree->partition].name)
			     : format("requester %s", audit_bdf(pass->requester)),
		.root = root,
		.iommu_kind = pass->unit->table->kind,
		.levels = levels,
	};
	return tree;
}

/* One tree for each partition, whatever the number of its functions and units. */
static void check_tree(
	struct audit *audit, const struct audit_pass *pass, const struct audit_tree *tree)
{
	const int owner = audit_is_owned(pass->function) ? pass->function->table->partition : -1;
	size_t t;

	if (tree->partition != owner)
		audit_find(audit, "dma-shared",
			"requester %s passes %s with the tables at %s, which are those of %s; the "
			"entry is %s",
			audit_bdf(pass->requester), pass->unit->name,
			audit_image_place(&audit->image, tree->map.root), tree->map.who,
			audit_image_place(&audit->image, pass->at));
	for (t = 0; owner >= 0 && t < audit->devices->trees_count; t++)
		if (audit->devices->trees[t] != tree &&
			audit->devices->trees[t]->partition == tree->partition)
			audit_find(audit, "dma-root",
				"requester %s passes %s with other tables than its neighbours of "
				"partition %s; the entry is %s",
				audit_bdf(pass->requester), pass->unit->name,
				audit->partitions[owner].name,
				audit_image_place(&audit->image, pass->at));
}

/* ---- Entries ---- */

static void check_domain(struct audit *audit, const struct audit_pass *pass)
{
	const unsigned meant = X86_DOMAIN(pass->function->table->partition);

	if (pass->domain != meant)
		audit_find(audit, "domain",
			"requester %s has domain id %u at %s, and its owner's is %u: an id of "
			"another would use its cached translations, and 0 is the hardware's; the "
			"entry is %s",
			audit_bdf(pass->requester), pass->domain, pass->unit->name, meant,
			audit_image_place(&audit->image, pass->at));
}

static void note_pass(struct audit *audit, const struct audit_pass *pass)
{
	struct audit_devices *devices = audit->devices;

	if (devices->passes_count == devices->passes_room) {
		devices->passes_room = devices->passes_room ? 2 * devices->passes_room : 64;
		devices->passes = allocate_more(
			devices->passes, devices->passes_room, sizeof(*devices->passes));
	}
	devices->passes[devices->passes_count++] = *pass;
}

void audit_take_pass(struct audit *audit, struct audit_pass pass, uint64_t root, unsigned levels)
{
	if (root != AUDIT_NONE) {
		pass.tree = find_tree(audit, root);
		if (!pass.tree) {
			pass.tree = new_tree(audit, &pass, root, levels);
			audit_dma_walk(audit, &pass.tree->map);
		}
		check_tree(audit, &pass, pass.tree);
	}
	if (audit_is_owned(pass.function))
		check_domain(audit, &pass);
	note_pass(audit, &pass);
}

void audit_pass_close(struct audit *audit)
{
	struct audit_devices *devices = audit->devices;
	size_t t;

	for (t = 0; t < devices->trees_count; t++) {
		free(devices->trees[t]->map.items);
		free(devices->trees[t]);
	}
	free(devices->trees);
	free(devices->passes);
}

/* ---- What they reach ---- */

static void match_tree(struct audit *audit, const struct audit_tree *tree)
{
	struct audit_expected expected[2];
	struct range pieces[2];
	size_t count = 0, i;

	if (tree->partition >= 0) {
		const struct audit_partition *partition = &audit->partitions[tree->partition];

		count = audit_pieces(partition->arch->memory_bytes, pieces);
		for (i = 0; i < count; i++)
			expected[i] = (struct audit_expected){ pieces[i].base, pieces[i].bytes,
				partition->memory_base + (i ? pieces[0].bytes : 0),
				AUDIT_READ | AUDIT_WRITE, AUDIT_MEMORY, (unsigned)tree->partition,
				format("the memory of %s", partition->name) };
	}
	audit_match(audit, &tree->map, expected, count, NULL);
}

static bool passes(const struct audit *audit, const struct audit_function *function)
{
	const struct audit_devices *devices = audit->devices;
	size_t i;

	for (i = 0; i < devices->passes_count; i++)
		if (audit_lets(&devices->passes[i], function))
			return true;
	return false;
}

void audit_passes(struct audit *audit)
{
	const struct audit_devices *devices = audit->devices;
	size_t i;

	for (i = 0; i < devices->trees_count; i++)
		match_tree(audit, devices->trees[i]);
	for (i = 0; i < devices->functions_count; i++)
		if (audit_is_owned(&devices->functions[i]) &&
			!passes(audit, &devices->functions[i]))
			audit_find(audit, "dma-blocked",
				"%s is not let through: its owner has a device that reaches no "
				"memory",
				audit_function_name(audit, &devices->functions[i]));
}
