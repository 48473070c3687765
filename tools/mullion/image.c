/*
 * Reading an image: nothing in the file is believed before it is compared with the file's size.
 */
#include "image.h"

#include <elf.h>
#include <string.h>

#include "source.h"

#define XEN_ELFNOTE_PHYS32_ENTRY 18u

static const char *read_header(const struct image *image, Elf64_Ehdr *header)
{
	if (image->bytes < SELFMAG || memcmp(image->data, ELFMAG, SELFMAG) != 0)
		return "is not an ELF file";
	if (image->bytes < sizeof(*header))
		return "is cut short within the ELF header";
	memcpy(header, image->data, sizeof(*header));
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
		return "is not a little-endian ELF64 file";
	if (header->e_machine != EM_X86_64)
		return "is not made for x86-64";
	if (header->e_type != ET_EXEC)
		return "is not an executable linked at fixed addresses";
	if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0)
		return "has no program headers";
	if (header->e_phoff > image->bytes ||
		(uint64_t)header->e_phnum * sizeof(Elf64_Phdr) > image->bytes - header->e_phoff)
		return "is cut short within the program headers";
	return NULL;
}

static uint64_t align4(uint64_t bytes)
{
	return (bytes + 3) & ~(uint64_t)3;
}

/* Notes: name size, descriptor size, type; name; descriptor; each padded to four bytes. */
static void read_notes(struct image *image, const uint8_t *notes, uint64_t bytes)
{
	Elf64_Nhdr note;

	while (bytes >= sizeof(note)) {
		memcpy(&note, notes, sizeof(note));
		const uint64_t name = sizeof(note), desc = name + align4(note.n_namesz);
		const uint64_t next = desc + align4(note.n_descsz);

		if (next > bytes)
			return;
		if (note.n_type == XEN_ELFNOTE_PHYS32_ENTRY && note.n_namesz == 4 &&
			memcmp(notes + name, "Xen", 4) == 0 &&
			(note.n_descsz == 4 || note.n_descsz == 8)) {
			image->entry = 0;
			memcpy(&image->entry, notes + desc, note.n_descsz);
			image->has_entry = true;
		}
		notes += next;
		bytes -= next;
	}
}

static const char *read_segment(struct image *image, const Elf64_Phdr *header)
{
	if (header->p_offset > image->bytes || header->p_filesz > image->bytes - header->p_offset)
		return "is cut short within a segment";
	if (header->p_type == PT_NOTE)
		read_notes(image, image->data + header->p_offset, header->p_filesz);
	if (header->p_type != PT_LOAD || header->p_memsz == 0)
		return NULL;
	if (header->p_filesz > header->p_memsz || header->p_memsz > UINT64_MAX - header->p_paddr)
		return "has a segment whose sizes contradict each other";
	image->segments[image->segments_count++] = (struct image_segment){
		.address = header->p_paddr,
		.file_offset = header->p_offset,
		.file_bytes = header->p_filesz,
		.memory_bytes = header->p_memsz,
		.executable = (header->p_flags & PF_X) != 0,
	};
	return NULL;
}

const char *image_read(struct image *image, const char *path, struct arena *arena)
{
	const char *wrong;
	size_t bytes = 0;
	Elf64_Ehdr header;
	Elf64_Phdr segment;

	*image = (struct image){ .data = (const uint8_t *)tools_text(arena, path, &bytes) };
	image->bytes = bytes;
	if (image->data == NULL)
		return "cannot be read";
	wrong = read_header(image, &header);
	if (wrong != NULL)
		return wrong;
	image->segments = arena_array(arena, header.e_phnum, sizeof(*image->segments));
	for (size_t i = 0; i < header.e_phnum && wrong == NULL; i++) {
		memcpy(&segment, image->data + header.e_phoff + i * sizeof(segment),
			sizeof(segment));
		wrong = read_segment(image, &segment);
	}
	if (wrong == NULL && image->segments_count == 0)
		return "has nothing to load";
	return wrong;
}
