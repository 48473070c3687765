/*
 * A page walk by AMD APM 2, 5.3: rights are the conjunction of all levels, NX the disjunction.
 */
#include "walk.h"

#define PRESENT 1u
#define WRITE   2u
#define USER    4u
#define LARGE   0x80u
#define ADDRESS 0x000ffffffffff000ull

struct walk walk(const struct paging *paging, uint64_t virtual)
{
	struct walk result = { .writable = true, .user = true, .executable = true };
	const struct paging_table *table = paging->tables[0];
	unsigned shift;

	for (shift = 39; shift >= 12; shift -= 9) {
		const struct paging_entry *entry = &table->entries[virtual >> shift & 511];

		if (!(entry->value & PRESENT))
			return result;
		result.writable &= (entry->value & WRITE) != 0;
		result.user &= (entry->value & USER) != 0;
		result.executable &= !(entry->value >> 63);
		if (entry->table && shift > 12 && !(entry->value & LARGE)) {
			table = paging->tables[entry->table];
			continue;
		}
		if (shift > 12 && !(entry->value & LARGE))
			return result; /* another tree's table */
		result.present = true;
		result.page = 1ull << shift;
		result.flags = entry->value & 0xfff;
		result.object = entry->object;
		result.address = (entry->value & ADDRESS & ~(result.page - 1)) +
				 (virtual & (result.page - 1));
		return result;
	}
	return result;
}
