/*
 * Compares what a map holds with what it is meant to hold, page by page, in one pass.
 *
 * The invariant: every mapped byte is either expected, with exactly these rights and at exactly
 * this frame, or a finding; every expected byte that is not mapped is a finding, too.
 */
#include "audit.h"

#include <stdlib.h>

#include "allocate.h"

struct match {
	struct audit *audit;
	const struct audit_map *map;
	const struct audit_expected *expected;
	size_t count;
	struct audit_claims *claims;
};

static const char *rule(const struct match *match, const char *what)
{
	static const char *const names[] = { "stage2", "kernel", "peek", "dma", "restore" };

	return format("%s-%s", names[match->map->kind], what);
}

static const char *entry(const struct match *match, uint64_t address)
{
	const struct audit *audit = match->audit;

	return audit_image_place(&audit->image,
		match->map->kind == AUDIT_DMA ? audit_dma_entry(audit, match->map, address)
					      : audit_entry(audit, match->map->root, address));
}

static const char *span(uint64_t base, uint64_t bytes)
{
	return format("%#llx..%#llx", (unsigned long long)base, (unsigned long long)(base + bytes));
}

/* The first expected object that ends above `address`. */
static size_t position(const struct match *match, uint64_t address)
{
	size_t i = 0;

	while (i < match->count &&
		match->expected[i].virtual + match->expected[i].bytes - 1 < address)
		i++;
	return i;
}

static void claim(const struct match *match, const struct audit_mapping *part,
	const struct audit_expected *expected)
{
	struct audit_claims *claims = match->claims;

	if (!claims)
		return;
	if (claims->count == claims->room) {
		claims->room = claims->room ? 2 * claims->room : 64;
		claims->items = allocate_more(claims->items, claims->room, sizeof(*claims->items));
	}
	claims->items[claims->count++] = (struct audit_claim){
		.partition = claims->partition,
		.at = *part,
		.kind = expected ? expected->kind : AUDIT_SURPLUS,
		.key = expected ? expected->key : 0,
		.offset = expected ? part->virtual - expected->virtual : 0,
		.what = expected ? expected->what : "nothing that was declared",
	};
}

/* `absent`: what must not be mapped here; NULL: nothing is said about this address. */
static void surplus(const struct match *match, const struct audit_mapping *part,
	const struct audit_expected *absent)
{
	const char *forbidden =
		absent && absent->kind == AUDIT_BAR_TABLE ? "msix-reached" : "guard-page";

	audit_find(match->audit, absent ? forbidden : rule(match, "surplus"),
		"%s gains %s at %s (%s): physical %s, which is %s; the entry at %s maps it and "
		"nothing asks for it",
		match->map->who, audit_rights(part->rights), span(part->virtual, part->bytes),
		absent ? absent->what : "nothing that was declared",
		span(part->physical, part->bytes),
		audit_physical_name(match->audit, part->physical), entry(match, part->virtual));
}

static void check_rights(const struct match *match, const struct audit_mapping *part,
	const struct audit_expected *expected)
{
	const unsigned more = part->rights & ~expected->rights;

	if (part->rights == expected->rights)
		return;
	audit_find(match->audit, rule(match, "rights"),
		"%s has %s%s at %s (%s) where %s%s is meant; the entry at %s, or one above it, %s",
		match->map->who, audit_rights(part->rights),
		part->rights & AUDIT_UNCACHED ? " uncached" : "", span(part->virtual, part->bytes),
		expected->what, audit_rights(expected->rights),
		expected->rights & AUDIT_UNCACHED ? " uncached" : "", entry(match, part->virtual),
		more ? "gives more than that" : "gives less than that");
}

static void check_frame(const struct match *match, const struct audit_mapping *part,
	const struct audit_expected *expected)
{
	const uint64_t meant = expected->physical + (part->virtual - expected->virtual);

	if (expected->physical == AUDIT_NONE || part->physical == meant)
		return;
	audit_find(match->audit, rule(match, "frame"),
		"%s reaches physical %s, which is %s, at %s (%s); meant is %#llx, and the entry at "
		"%s says otherwise",
		match->map->who, span(part->physical, part->bytes),
		audit_physical_name(match->audit, part->physical), span(part->virtual, part->bytes),
		expected->what, (unsigned long long)meant, entry(match, part->virtual));
}

static void missing(const struct match *match, const struct audit_expected *expected, uint64_t from,
	uint64_t to)
{
	if (from >= to || !expected->rights)
		return;
	audit_find(match->audit, rule(match, "missing"),
		"%s lacks %s at %s (%s); the entry at %s maps nothing there", match->map->who,
		audit_rights(expected->rights), span(from, to - from), expected->what,
		entry(match, from));
}

/* One mapping, cut at the borders of what is expected. `covered` ends what was seen of each. */
static void match_mapping(
	const struct match *match, const struct audit_mapping *mapping, uint64_t *covered)
{
	uint64_t done = 0;
	size_t i = position(match, mapping->virtual);

	while (done < mapping->bytes) {
		const struct audit_expected *expected =
			i < match->count ? &match->expected[i] : NULL;
		struct audit_mapping part = { mapping->virtual + done, mapping->physical + done,
			mapping->bytes - done, mapping->rights };
		const bool inside = expected && part.virtual >= expected->virtual;
		const uint64_t limit = !expected ? AUDIT_NONE
				       : inside  ? expected->virtual + expected->bytes
						 : expected->virtual;

		if (expected && limit - part.virtual < part.bytes)
			part.bytes = limit - part.virtual;
		claim(match, &part, inside ? expected : NULL);
		if (!inside || !expected->rights) {
			surplus(match, &part, inside ? expected : NULL);
		} else {
			missing(match, expected, covered[i], part.virtual);
			covered[i] = part.virtual + part.bytes;
			check_rights(match, &part, expected);
			check_frame(match, &part, expected);
		}
		done += part.bytes;
		if (inside && part.virtual + part.bytes == limit)
			i++;
	}
}

void audit_match(struct audit *audit, const struct audit_map *map,
	const struct audit_expected *expected, size_t count, struct audit_claims *claims)
{
	const struct match match = { audit, map, expected, count, claims };
	uint64_t *covered = allocate(count, sizeof(*covered));
	size_t i;

	for (i = 0; i < count; i++)
		covered[i] = expected[i].virtual;
	for (i = 0; i < map->count; i++)
		match_mapping(&match, &map->items[i], covered);
	for (i = 0; i < count; i++)
		missing(&match, &expected[i], covered[i], expected[i].virtual + expected[i].bytes);
	free(covered);
}
