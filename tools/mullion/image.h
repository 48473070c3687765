/*
 * A partition's image as the compiler sees it: an ELF64 executable with a PVH entry point.
 *
 * Specifications: System V ABI, chapters 4 and 5; Xen's PVH boot protocol (note "Xen", type 18).
 */
#ifndef IMAGE_H
#define IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"

struct image_segment {
	uint64_t address; /* guest-physical */
	uint64_t file_offset, file_bytes;
	uint64_t memory_bytes; /* at least file_bytes, the rest is zero */
	bool executable;
};

struct image {
	const uint8_t *data; /* the whole file */
	uint64_t bytes;
	struct image_segment *segments; /* loadable and not empty, in the file's order */
	size_t segments_count;
	bool has_entry; /* a PVH note was found */
	uint64_t entry; /* guest-physical, 32-bit protected mode */
};

/*
 * Read an image. Returns NULL, or what is wrong with the file as a clause: "is not an ELF file".
 * A missing PVH note is no error here: has_entry tells.
 */
const char *image_read(struct image *image, const char *path, struct arena *arena);

#endif
