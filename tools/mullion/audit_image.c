/*
 * Reads the finished image: ELF64, little-endian, PT_LOAD segments and the symbol table.
 *
 * The invariant: no byte outside the file is touched, whatever its headers say. System V ABI, AMD64
 * supplement; addresses are physical, and equal to virtual ones.
 */
#include "audit.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "allocate.h"

static bool within(uint64_t offset, uint64_t bytes, uint64_t limit)
{
	return offset <= limit && bytes <= limit - offset;
}

const char *audit_image_text(const char *text, size_t most)
{
	char *copy = format("%.*s", (int)most, text);
	size_t i;

	for (i = 0; copy[i]; i++)
		if (copy[i] < ' ' || copy[i] > '~')
			copy[i] = '?';
	return copy;
}

static int by_base(const void *a, const void *b)
{
	const struct audit_segment *x = a, *y = b;

	return (x->base > y->base) - (x->base < y->base);
}

static int by_address(const void *a, const void *b)
{
	const struct audit_symbol *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

static const char *take_segment(struct audit_image *image, const Elf64_Phdr *header)
{
	if (header->p_type != PT_LOAD || !header->p_memsz)
		return NULL;
	if (header->p_vaddr != header->p_paddr)
		return "has a segment whose virtual address is not its physical one";
	if (header->p_filesz > header->p_memsz ||
		!within(header->p_offset, header->p_filesz, image->file_bytes) ||
		header->p_paddr + header->p_memsz < header->p_paddr)
		return "has a segment that its file does not hold";
	if ((header->p_offset ^ header->p_paddr) % AUDIT_PAGE && header->p_filesz)
		return "has a segment whose file offset is not aligned as its address";
	image->segments[image->segments_count++] = (struct audit_segment){
		.base = header->p_paddr,
		.bytes = header->p_memsz,
		.file_bytes = header->p_filesz,
		.data = image->file + header->p_offset,
		.flags = header->p_flags,
	};
	return NULL;
}

static const char *take_segments(struct audit_image *image, const Elf64_Ehdr *header)
{
	const char *wrong = NULL;
	size_t i;

	if (header->e_phentsize != sizeof(Elf64_Phdr) ||
		!within(header->e_phoff, header->e_phnum * sizeof(Elf64_Phdr), image->file_bytes))
		return "has program headers that its file does not hold";
	image->segments = allocate(header->e_phnum, sizeof(*image->segments));
	for (i = 0; i < header->e_phnum && !wrong; i++) {
		Elf64_Phdr program;

		memcpy(&program, image->file + header->e_phoff + i * sizeof(program),
			sizeof(program));
		wrong = take_segment(image, &program);
	}
	qsort(image->segments, image->segments_count, sizeof(*image->segments), by_base);
	for (i = 1; i < image->segments_count && !wrong; i++)
		if (image->segments[i - 1].base + image->segments[i - 1].bytes >
			image->segments[i].base)
			wrong = "has segments that overlap";
	return wrong;
}

static bool read_section(const struct audit_image *image, const Elf64_Ehdr *header, size_t index,
	Elf64_Shdr *section)
{
	if (index >= header->e_shnum)
		return false;
	memcpy(section, image->file + header->e_shoff + index * sizeof(*section), sizeof(*section));
	return section->sh_type == SHT_NOBITS ||
	       within(section->sh_offset, section->sh_size, image->file_bytes);
}

static void take_symbols(
	struct audit_image *image, const Elf64_Shdr *table, const Elf64_Shdr *names)
{
	const size_t count = table->sh_size / sizeof(Elf64_Sym);
	const char *strings = (const char *)image->file + names->sh_offset;
	size_t i;

	if (!names->sh_size || strings[names->sh_size - 1])
		return;
	image->symbols = allocate(count, sizeof(*image->symbols));
	for (i = 0; i < count; i++) {
		Elf64_Sym symbol;

		memcpy(&symbol, image->file + table->sh_offset + i * sizeof(symbol),
			sizeof(symbol));
		if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS ||
			symbol.st_name >= names->sh_size || !strings[symbol.st_name] ||
			ELF64_ST_TYPE(symbol.st_info) == STT_FILE)
			continue;
		image->symbols[image->symbols_count++] = (struct audit_symbol){ symbol.st_value,
			symbol.st_size, audit_image_text(strings + symbol.st_name, 255) };
	}
	qsort(image->symbols, image->symbols_count, sizeof(*image->symbols), by_address);
}

static const char *find_symbols(struct audit_image *image, const Elf64_Ehdr *header)
{
	Elf64_Shdr section, names;
	size_t i;

	if (header->e_shentsize != sizeof(Elf64_Shdr) ||
		!within(header->e_shoff, header->e_shnum * sizeof(Elf64_Shdr), image->file_bytes))
		return "has section headers that its file does not hold";
	for (i = 0; i < header->e_shnum; i++)
		if (read_section(image, header, i, &section) && section.sh_type == SHT_SYMTAB &&
			read_section(image, header, section.sh_link, &names) &&
			names.sh_type == SHT_STRTAB) {
			take_symbols(image, &section, &names);
			return NULL;
		}
	return "has no symbols: an image is audited before it is stripped";
}

const char *audit_image_parse(struct audit_image *image)
{
	Elf64_Ehdr header;
	const char *wrong;

	if (image->file_bytes < sizeof(header))
		return "is too short for an ELF file";
	memcpy(&header, image->file, sizeof(header));
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
		header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
		header.e_machine != EM_X86_64 || header.e_type != ET_EXEC)
		return "is not an executable ELF file for AMD64";
	image->entry = header.e_entry;
	wrong = take_segments(image, &header);
	return wrong ? wrong : find_symbols(image, &header);
}

static const char *read_file(struct audit_image *image, FILE *file)
{
	long bytes;

	if (fseek(file, 0, SEEK_END) || (bytes = ftell(file)) < 0 || fseek(file, 0, SEEK_SET))
		return "cannot be read";
	image->file_bytes = (size_t)bytes;
	/* On a page, so that what is aligned in the image is aligned here. */
	image->file = aligned_alloc(
		AUDIT_PAGE, (image->file_bytes + AUDIT_PAGE) / AUDIT_PAGE * AUDIT_PAGE);
	if (!image->file || fread(image->file, 1, image->file_bytes, file) != image->file_bytes)
		return "cannot be read";
	return NULL;
}

const char *audit_image_read(struct audit_image *image, const char *path)
{
	FILE *file = fopen(path, "rbe");
	const char *wrong;

	if (!file)
		return format("cannot be opened: %s", strerror(errno));
	wrong = read_file(image, file);
	fclose(file);
	return wrong ? wrong : audit_image_parse(image);
}

void audit_image_free(struct audit_image *image)
{
	free(image->file);
	free(image->segments);
	free(image->symbols);
	*image = (struct audit_image){ 0 };
}

const struct audit_segment *audit_image_segment(const struct audit_image *image, uint64_t address)
{
	size_t i;

	for (i = 0; i < image->segments_count; i++)
		if (address - image->segments[i].base < image->segments[i].bytes)
			return &image->segments[i];
	return NULL;
}

const void *audit_image_at(const struct audit_image *image, uint64_t address, uint64_t bytes)
{
	const struct audit_segment *segment = audit_image_segment(image, address);

	if (!segment || !within(address - segment->base, bytes, segment->file_bytes))
		return NULL;
	return segment->data + (address - segment->base);
}

uint64_t audit_image_symbol(const struct audit_image *image, const char *name)
{
	size_t i;

	for (i = 0; i < image->symbols_count; i++)
		if (!strcmp(image->symbols[i].name, name))
			return image->symbols[i].address;
	return AUDIT_NONE;
}

static const struct audit_symbol *symbol_at(const struct audit_image *image, uint64_t address)
{
	size_t i = image->symbols_count;

	while (i--)
		if (address - image->symbols[i].address < image->symbols[i].bytes)
			return &image->symbols[i];
	return NULL;
}

uint64_t audit_image_room(const struct audit_image *image, uint64_t address)
{
	const struct audit_symbol *symbol = symbol_at(image, address);

	return symbol ? symbol->bytes - (address - symbol->address) : 0;
}

const char *audit_image_place(const struct audit_image *image, uint64_t address)
{
	const struct audit_symbol *symbol = symbol_at(image, address);

	if (!symbol)
		return format("%#llx", (unsigned long long)address);
	if (address == symbol->address)
		return format("%s (%#llx)", symbol->name, (unsigned long long)address);
	return format("%s+%#llx (%#llx)", symbol->name,
		(unsigned long long)(address - symbol->address), (unsigned long long)address);
}
