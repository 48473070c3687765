/* The audit reads no byte outside its file, whatever the headers say, and names addresses. */
#include "unit.h"

#include <elf.h>

#include "audit.h"

struct file {
	Elf64_Ehdr header;
	Elf64_Phdr programs[2];
	Elf64_Shdr sections[3];
	Elf64_Sym symbols[2];
	char names[32];
	_Alignas(4096) uint8_t constants[4096];
};

static struct file good(void)
{
	struct file file = {
		.header = { .e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_phoff = offsetof(struct file, programs),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 2,
			.e_shoff = offsetof(struct file, sections),
			.e_shentsize = sizeof(Elf64_Shdr),
			.e_shnum = 3 },
		.programs = { { .p_type = PT_LOAD,
				      .p_flags = PF_R,
				      .p_offset = offsetof(struct file, constants),
				      .p_vaddr = 0x400000,
				      .p_paddr = 0x400000,
				      .p_filesz = 4096,
				      .p_memsz = 4096 },
			{ .p_type = PT_LOAD,
				.p_flags = PF_R | PF_W,
				.p_vaddr = 0x100000,
				.p_paddr = 0x100000,
				.p_memsz = 0x2000 } },
		.sections = { { .sh_type = SHT_NULL },
			{ .sh_type = SHT_SYMTAB,
				.sh_offset = offsetof(struct file, symbols),
				.sh_size = sizeof(file.symbols),
				.sh_link = 2 },
			{ .sh_type = SHT_STRTAB,
				.sh_offset = offsetof(struct file, names),
				.sh_size = sizeof(file.names) } },
		.symbols = { { .st_name = 0 },
			{ .st_name = 1, .st_shndx = 1, .st_value = 0x400100, .st_size = 0x40 } },
		.names = "\0mullion_system",
	};

	memcpy(file.header.e_ident, ELFMAG, SELFMAG);
	file.header.e_ident[EI_CLASS] = ELFCLASS64;
	file.header.e_ident[EI_DATA] = ELFDATA2LSB;
	file.constants[0x100] = 42;
	return file;
}

/* Exactly as long as the file, so that the sanitizer sees the first byte too many. */
static const char *parse(struct audit_image *image, const struct file *file, size_t bytes)
{
	*image = (struct audit_image){ .file = malloc(bytes ? bytes : 1), .file_bytes = bytes };
	memcpy(image->file, file, bytes);
	return audit_image_parse(image);
}

static void a_good_file_is_understood(void **state)
{
	const struct file file = good();
	struct audit_image image;

	(void)state;
	assert_null(parse(&image, &file, sizeof(file)));
	assert_int_equal(image.segments_count, 2);
	assert_int_equal(image.segments[0].base, 0x100000);
	assert_int_equal(audit_image_symbol(&image, "mullion_system"), 0x400100);
	assert_int_equal(audit_image_symbol(&image, "nothing"), AUDIT_NONE);
	assert_int_equal(*(const uint8_t *)audit_image_at(&image, 0x400100, 1), 42);
	assert_string_equal(audit_image_place(&image, 0x400110), "mullion_system+0x10 (0x400110)");
	assert_string_equal(audit_image_place(&image, 0x400140), "0x400140");
	audit_image_free(&image);
}

static void bytes_beyond_the_file_are_not_given_out(void **state)
{
	const struct file file = good();
	struct audit_image image;

	(void)state;
	assert_null(parse(&image, &file, sizeof(file)));
	assert_non_null(audit_image_at(&image, 0x400000, 4096));
	assert_null(audit_image_at(&image, 0x400000, 4097));
	assert_null(audit_image_at(&image, 0x400fff, UINT64_MAX));
	assert_null(audit_image_at(&image, 0x3fffff, 2));
	assert_null(audit_image_at(&image, 0x100000, 1));
	audit_image_free(&image);
}

static void odd_characters_are_not_printed(void **state)
{
	(void)state;
	assert_string_equal(audit_image_text("a\033[31mb\xff", 16), "a?[31mb?");
	assert_string_equal(audit_image_text("abcdef", 3), "abc");
}

static void headers_that_lie_are_refused(void **state)
{
	static const struct {
		size_t offset;
		uint64_t value;
	} lies[] = {
		{ offsetof(struct file, programs[0].p_filesz), 1 << 20 },
		{ offsetof(struct file, programs[0].p_offset), UINT64_MAX - 8 },
		{ offsetof(struct file, programs[0].p_vaddr), 0x500000 },
		{ offsetof(struct file, programs[1].p_memsz), UINT64_MAX },
		{ offsetof(struct file, programs[1].p_memsz), 0x300001 },
		{ offsetof(struct file, header.e_phoff), UINT64_MAX - 16 },
		{ offsetof(struct file, header.e_shoff), 1 << 30 },
		{ offsetof(struct file, sections[1].sh_type), SHT_NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct file file = good();
		struct audit_image image;

		memcpy((uint8_t *)&file + lies[i].offset, &lies[i].value,
			i == 7 ? sizeof(uint32_t) : sizeof(uint64_t));
		assert_non_null(parse(&image, &file, sizeof(file)));
		audit_image_free(&image);
	}
}

static void a_file_cut_anywhere_is_refused(void **state)
{
	const struct file file = good();
	size_t bytes;

	(void)state;
	for (bytes = 0; bytes < sizeof(file); bytes += 7) {
		struct audit_image image;

		assert_non_null(parse(&image, &file, bytes));
		audit_image_free(&image);
	}
}

static void no_damage_reads_beyond_the_file(void **state)
{
	uint64_t random = 1;
	int i, k;

	(void)state;
	for (i = 0; i < 20000; i++) {
		struct file file = good();
		struct audit_image image;

		for (k = 0; k < 3; k++)
			((uint8_t *)&file)[unit_random(&random) %
					   offsetof(struct file, constants)] =
				(uint8_t)unit_random(&random);
		if (!parse(&image, &file, sizeof(file)))
			audit_image_at(&image, audit_image_symbol(&image, "mullion_system"), 64);
		audit_image_free(&image);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_is_understood),
		cmocka_unit_test(bytes_beyond_the_file_are_not_given_out),
		cmocka_unit_test(odd_characters_are_not_printed),
		cmocka_unit_test(headers_that_lie_are_refused),
		cmocka_unit_test(a_file_cut_anywhere_is_refused),
		cmocka_unit_test(no_damage_reads_beyond_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
