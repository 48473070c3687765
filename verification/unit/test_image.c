/* No image, however broken, is read beyond its end or believed without proof. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <elf.h>

#include "image.h"

#define ENTRY 0x200010u

struct file {
	Elf64_Ehdr header;
	Elf64_Phdr text, note;
	uint32_t note_header[3];
	char note_name[4];
	uint32_t note_entry;
	uint8_t code[64];
};

static struct file good(void)
{
	struct file file = { .header = { .e_type = ET_EXEC,
				     .e_machine = EM_X86_64,
				     .e_version = 1,
				     .e_phoff = offsetof(struct file, text),
				     .e_phentsize = sizeof(Elf64_Phdr),
				     .e_phnum = 2 },
		.text = { .p_type = PT_LOAD,
			.p_flags = PF_R | PF_X,
			.p_offset = offsetof(struct file, code),
			.p_paddr = 0x200000,
			.p_filesz = 64,
			.p_memsz = 4096 },
		.note = { .p_type = PT_NOTE,
			.p_offset = offsetof(struct file, note_header),
			.p_filesz = 20,
			.p_memsz = 20 },
		.note_header = { 4, 4, 18 },
		.note_name = "Xen",
		.note_entry = ENTRY };

	memcpy(file.header.e_ident, ELFMAG, SELFMAG);
	file.header.e_ident[EI_CLASS] = ELFCLASS64;
	file.header.e_ident[EI_DATA] = ELFDATA2LSB;
	return file;
}

static const char *read_bytes(
	struct image *image, const void *data, size_t bytes, struct arena *arena)
{
	char path[] = "build/unit/image-XXXXXX";
	const int descriptor = mkstemp(path);
	const char *wrong;

	assert_true(descriptor >= 0);
	assert_int_equal(write(descriptor, data, bytes), bytes);
	close(descriptor);
	wrong = image_read(image, path, arena);
	unlink(path);
	return wrong;
}

static const char *wrong_with(const struct file *file, size_t bytes)
{
	static char text[128];
	struct arena arena = { 0 };
	struct image image;
	const char *wrong = read_bytes(&image, file, bytes, &arena);

	snprintf(text, sizeof(text), "%s", wrong == NULL ? "" : wrong);
	arena_free(&arena);
	return text;
}

static void a_good_image_has_its_segment_and_entry(void **state)
{
	const struct file file = good();
	struct arena arena = { 0 };
	struct image image;

	(void)state;
	assert_null(read_bytes(&image, &file, sizeof(file), &arena));
	assert_int_equal(image.segments_count, 1);
	assert_int_equal(image.segments[0].address, 0x200000);
	assert_int_equal(image.segments[0].memory_bytes, 4096);
	assert_true(image.segments[0].executable);
	assert_true(image.has_entry);
	assert_int_equal(image.entry, ENTRY);
	arena_free(&arena);
}

static void an_image_cut_short_anywhere_is_refused(void **state)
{
	const struct file file = good();

	(void)state;
	for (size_t bytes = 0; bytes < offsetof(struct file, code) + sizeof(file.code); bytes++)
		assert_string_not_equal(wrong_with(&file, bytes), "");
}

static void any_single_byte_may_be_wrong_without_harm(void **state)
{
	const struct file file = good();

	(void)state;
	for (size_t i = 0; i < sizeof(file); i++)
		for (int bit = 0; bit < 8; bit += 7) {
			struct file broken = file;

			((uint8_t *)&broken)[i] ^= (uint8_t)(1 << bit);
			wrong_with(&broken, sizeof(broken)); /* the sanitizers judge */
		}
}

static void foreign_files_are_named(void **state)
{
	struct file file = good();

	(void)state;
	file.header.e_machine = EM_AARCH64;
	assert_string_equal(wrong_with(&file, sizeof(file)), "is not made for x86-64");
	file = good();
	file.header.e_type = ET_DYN;
	assert_string_equal(
		wrong_with(&file, sizeof(file)), "is not an executable linked at fixed addresses");
	file = good();
	file.header.e_ident[EI_CLASS] = ELFCLASS32;
	assert_string_equal(wrong_with(&file, sizeof(file)), "is not a little-endian ELF64 file");
	file = good();
	file.header.e_ident[0] = 'x';
	assert_string_equal(wrong_with(&file, sizeof(file)), "is not an ELF file");
}

static void a_note_of_another_type_is_no_entry(void **state)
{
	struct file file = good();
	struct arena arena = { 0 };
	struct image image;

	(void)state;
	file.note_header[2] = 17;
	assert_null(read_bytes(&image, &file, sizeof(file), &arena));
	assert_false(image.has_entry);
	arena_free(&arena);
}

static void a_segment_larger_in_the_file_than_in_memory_is_refused(void **state)
{
	struct file file = good();

	(void)state;
	file.text.p_memsz = 32;
	assert_string_not_equal(wrong_with(&file, sizeof(file)), "");
	file.text.p_memsz = UINT64_MAX;
	assert_string_not_equal(wrong_with(&file, sizeof(file)), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_image_has_its_segment_and_entry),
		cmocka_unit_test(an_image_cut_short_anywhere_is_refused),
		cmocka_unit_test(any_single_byte_may_be_wrong_without_harm),
		cmocka_unit_test(foreign_files_are_named),
		cmocka_unit_test(a_note_of_another_type_is_no_entry),
		cmocka_unit_test(a_segment_larger_in_the_file_than_in_memory_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
