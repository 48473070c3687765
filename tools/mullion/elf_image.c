/*
 * Reads PVH ELF64 images. See elf_image.h for the invariant. ELF-64 object file format 1.5; the
 * note is Xen's, public/elfnote.h: name "Xen", type 18, a 32- or 64-bit physical entry address.
 */
#include "elf_image.h"

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "allocate.h"

#define XEN_ELFNOTE_PHYS32_ENTRY 18u

struct file {
	const uint8_t *bytes;
	uint64_t size;
};

static bool is_inside(const struct file *file, uint64_t offset, uint64_t bytes)
{
	return offset <= file->size && bytes <= file->size - offset;
}

static uint64_t aligned(uint64_t offset)
{
	return (offset + 3) & ~3ull;
}

/* One note at `offset`: the offset of the next, 0 at the end. Sets *entry when it is the PVH note.
 */
static uint64_t read_note(
	const struct file *file, uint64_t offset, uint64_t end, uint64_t *entry, bool *found)
{
	Elf64_Nhdr note;
	uint64_t name, value;

	if (end - offset < sizeof(note))
		return 0;
	memcpy(&note, file->bytes + offset, sizeof(note));
	name = offset + sizeof(note);
	value = name + aligned(note.n_namesz);
	if (value > end || note.n_descsz > end - value)
		return 0;
	if (note.n_type == XEN_ELFNOTE_PHYS32_ENTRY && note.n_namesz == 4 &&
		!memcmp(file->bytes + name, "Xen", 4) &&
		(note.n_descsz == 4 || note.n_descsz == 8)) {
		*entry = 0;
		memcpy(entry, file->bytes + value, note.n_descsz);
		*found = true;
	}
	return value + aligned(note.n_descsz) < end ? value + aligned(note.n_descsz) : 0;
}

static bool find_entry(
	const struct file *file, const Elf64_Phdr *headers, size_t count, uint64_t *entry)
{
	bool found = false;
	uint64_t offset;
	size_t i;

	for (i = 0; i < count; i++)
		if (headers[i].p_type == PT_NOTE &&
			is_inside(file, headers[i].p_offset, headers[i].p_filesz))
			for (offset = headers[i].p_offset; offset && !found;)
				offset = read_note(file, offset,
					headers[i].p_offset + headers[i].p_filesz, entry, &found);
	return found;
}

static const char *check_header(const struct file *file, const Elf64_Ehdr *header)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return "is not an ELF file";
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64)
		return "is not an ELF64 file for x86-64";
	if (header->e_type != ET_EXEC)
		return "is not a statically linked executable (ET_EXEC)";
	if (header->e_phentsize != sizeof(Elf64_Phdr) || !header->e_phnum ||
		!is_inside(file, header->e_phoff, (uint64_t)header->e_phnum * sizeof(Elf64_Phdr)))
		return "has no usable program headers";
	return NULL;
}

static const char *take_segment(
	const struct file *file, const Elf64_Phdr *header, struct elf_image *image)
{
	if (header->p_type != PT_LOAD || !header->p_memsz)
		return NULL;
	if (header->p_filesz > header->p_memsz ||
		!is_inside(file, header->p_offset, header->p_filesz))
		return "has a segment that lies beyond the end of the file";
	if (header->p_paddr > UINT64_MAX - header->p_memsz)
		return "has a segment that wraps around the address space";
	image->segments =
		allocate_more(image->segments, image->segments_count + 1, sizeof(*image->segments));
	image->segments[image->segments_count++] = (struct elf_segment){
		.gpa = header->p_paddr,
		.file_offset = header->p_offset,
		.file_bytes = header->p_filesz,
		.memory_bytes = header->p_memsz,
	};
	return NULL;
}

static int by_gpa(const void *a, const void *b)
{
	const struct elf_segment *x = a, *y = b;

	return (x->gpa > y->gpa) - (x->gpa < y->gpa);
}

static const char *sort_segments(struct elf_image *image)
{
	size_t i;

	if (!image->segments_count)
		return "has nothing to load";
	qsort(image->segments, image->segments_count, sizeof(*image->segments), by_gpa);
	for (i = 1; i < image->segments_count; i++)
		if (image->segments[i].gpa - image->segments[i - 1].gpa <
			image->segments[i - 1].memory_bytes)
			return "has segments that overlap";
	return NULL;
}

static const char *read_image(const struct file *file, struct elf_image *image)
{
	Elf64_Ehdr header;
	Elf64_Phdr *headers;
	const char *wrong;
	uint64_t entry = 0;
	size_t i;

	if (file->size < sizeof(header))
		return "is too short for an ELF file";
	memcpy(&header, file->bytes, sizeof(header));
	wrong = check_header(file, &header);
	if (wrong)
		return wrong;
	headers = allocate(header.e_phnum, sizeof(*headers));
	memcpy(headers, file->bytes + header.e_phoff, header.e_phnum * sizeof(*headers));
	for (i = 0; i < header.e_phnum && !wrong; i++)
		wrong = take_segment(file, &headers[i], image);
	if (!wrong)
		wrong = sort_segments(image);
	if (!wrong && !find_entry(file, headers, header.e_phnum, &entry))
		wrong = "has no PVH entry (XEN_ELFNOTE_PHYS32_ENTRY)";
	if (!wrong && entry > UINT32_MAX)
		wrong = "has a PVH entry above 4 GiB";
	image->entry = (uint32_t)entry;
	free(headers);
	return wrong;
}

const char *elf_read(const char *path, struct elf_image *image)
{
	const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	const char *wrong = "cannot be read";
	struct stat status;
	void *bytes;

	*image = (struct elf_image){ 0 };
	if (descriptor < 0)
		return "cannot be opened";
	if (!fstat(descriptor, &status) && S_ISREG(status.st_mode) && status.st_size > 0) {
		bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
		if (bytes != MAP_FAILED) {
			wrong = read_image(
				&(struct file){ bytes, (uint64_t)status.st_size }, image);
			munmap(bytes, (size_t)status.st_size);
		}
	}
	close(descriptor);
	if (wrong)
		elf_free(image);
	return wrong;
}

void elf_free(struct elf_image *image)
{
	free(image->segments);
	*image = (struct elf_image){ 0 };
}
