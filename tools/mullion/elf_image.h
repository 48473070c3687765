/*
 * Partition images: ELF64 executables with the PVH note, read for what the compiler needs to place.
 *
 * Physical addresses (p_paddr) are guest-physical. Nothing of the file is trusted: offsets and
 * sizes are checked against the file before they are used.
 */
#ifndef ELF_IMAGE_H
#define ELF_IMAGE_H

#include <stddef.h>
#include <stdint.h>

struct elf_segment {
	uint64_t gpa;
	uint64_t file_offset, file_bytes;
	uint64_t memory_bytes; /* >= file_bytes; the rest is zeros */
};

struct elf_image {
	uint32_t entry;               /* PVH: XEN_ELFNOTE_PHYS32_ENTRY */
	struct elf_segment *segments; /* the PT_LOADs that occupy memory, ascending by gpa */
	size_t segments_count;
};

/* NULL when the image has been read; else a sentence saying what is wrong with it. */
const char *elf_read(const char *path, struct elf_image *image);
void elf_free(struct elf_image *image);

#endif
