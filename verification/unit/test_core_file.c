/* An ELF core read back: places, registers, the hole below 4 GiB. */
#include "unit.h"

#include <elf.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core_file.h"

struct read_back {
	Elf64_Ehdr header;
	Elf64_Phdr segments[3];
	uint8_t notes[4096];
};

static struct read_back write_core(uint64_t bytes, unsigned vcpus, FILE *out)
{
	struct core_file core = {
		.file = out, .name = "nav", .memory_bytes = bytes, .image = 77, .vcpus = vcpus
	};
	const uint8_t mark[4] = { 1, 2, 3, 4 };
	struct read_back back = { 0 };
	unsigned i;

	for (i = 0; i < vcpus; i++)
		core.registers[i] =
			(struct mullion_registers){ .r15 = 15 + i, .rip = 0x200000 + i };
	assert_true(core_file_begin(&core));
	assert_true(core_file_put(&core, bytes - sizeof(mark), mark, sizeof(mark)));
	fflush(out);
	rewind(out);
	assert_int_equal(fread(&back.header, 1, sizeof(back.header), out), sizeof(back.header));
	assert_int_equal(
		fread(back.segments, 1, sizeof(back.segments), out), sizeof(back.segments));
	assert_true(back.segments[0].p_filesz <= sizeof(back.notes));
	fseeko(out, (off_t)back.segments[0].p_offset, SEEK_SET);
	assert_int_equal(
		fread(back.notes, 1, back.segments[0].p_filesz, out), back.segments[0].p_filesz);
	return back;
}

static void memory_lies_where_the_partition_has_it(void **state)
{
	FILE *out = tmpfile();
	const struct read_back back = write_core(0x10000, 1, out);
	struct stat status;
	uint8_t mark[4];

	(void)state;
	assert_int_equal(back.header.e_type, ET_CORE);
	assert_int_equal(back.segments[1].p_vaddr, 0);
	assert_int_equal(back.segments[1].p_filesz, 0x10000);
	assert_int_equal(back.segments[1].p_offset % 4096, 0);
	assert_true(
		back.segments[1].p_offset >= back.segments[0].p_offset + back.segments[0].p_filesz);
	assert_int_equal(back.segments[2].p_type, PT_NULL);
	fseeko(out, (off_t)(back.segments[1].p_offset + 0xfffc), SEEK_SET);
	assert_int_equal(fread(mark, 1, 4, out), 4);
	assert_int_equal(mark[3], 4);
	fstat(fileno(out), &status);
	assert_int_equal(status.st_size, (off_t)back.segments[1].p_offset + 0x10000);
	fclose(out);
}

static void what_exceeds_the_hole_continues_at_4_gib(void **state)
{
	FILE *out = tmpfile();
	const struct read_back back = write_core(MULLION_HOLE_BASE + 0x2000, 1, out);

	(void)state;
	assert_int_equal(back.segments[1].p_filesz, MULLION_HOLE_BASE);
	assert_int_equal(back.segments[2].p_type, PT_LOAD);
	assert_true(back.segments[2].p_vaddr == MULLION_HOLE_END);
	assert_int_equal(back.segments[2].p_filesz, 0x2000);
	assert_true(back.segments[2].p_offset == back.segments[1].p_offset + MULLION_HOLE_BASE);
	fclose(out);
}

static void each_vcpu_has_its_registers(void **state)
{
	FILE *out = tmpfile();
	const struct read_back back = write_core(0x1000, 3, out);
	size_t at = 0, found = 0;

	(void)state;
	while (at < back.segments[0].p_filesz) {
		Elf64_Nhdr note;
		uint64_t rip, r15;

		memcpy(&note, back.notes + at, sizeof(note));
		at += sizeof(note) + (note.n_namesz + 3u) / 4 * 4;
		if (note.n_type == NT_PRSTATUS) {
			assert_int_equal(note.n_descsz, 336);
			memcpy(&r15, back.notes + at + 112, 8);
			memcpy(&rip, back.notes + at + 112 + 16 * 8, 8);
			assert_int_equal(r15, 15 + found);
			assert_int_equal(rip, 0x200000 + found);
			found++;
		}
		at += (note.n_descsz + 3u) / 4 * 4;
	}
	assert_int_equal(at, back.segments[0].p_filesz);
	assert_int_equal(found, 3);
	fclose(out);
}

static void what_was_written_is_read(void **state)
{
	char name[CORE_NAME_BYTES];
	FILE *out = tmpfile();
	struct core_file core = { .file = out };
	uint8_t mark[4];

	(void)state;
	write_core(0x10000, 3, out);
	assert_true(core_file_read(&core, name));
	assert_string_equal(name, "nav");
	assert_int_equal(core.memory_bytes, 0x10000);
	assert_int_equal(core.image, 77);
	assert_int_equal(core.vcpus, 3);
	assert_int_equal(core.registers[2].rip, 0x200002);
	assert_true(core_file_get(&core, 0xfffc, mark, sizeof(mark)));
	assert_int_equal(mark[3], 4);
	assert_false(core_file_get(&core, 0xfffd, mark, sizeof(mark)));
	fclose(out);
}

static bool reads(FILE *file)
{
	char name[CORE_NAME_BYTES];
	struct core_file core = { .file = file };

	return core_file_read(&core, name);
}

/* Whatever byte of its headers is another one, or if its end is missing. */
static void a_damaged_file_is_no_core(void **state)
{
	const size_t headers = sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr);
	FILE *file = tmpfile();
	size_t at;

	(void)state;
	setvbuf(file, NULL, _IONBF, 0);
	write_core(0x10000, 2, file);
	assert_true(reads(file));
	for (at = 0; at < headers; at++) {
		uint8_t byte, wrong;

		assert_int_equal(pread(fileno(file), &byte, 1, (off_t)at), 1);
		wrong = (uint8_t)(byte ^ 0x10);
		assert_int_equal(pwrite(fileno(file), &wrong, 1, (off_t)at), 1);
		fflush(file);
		assert_false(reads(file));
		assert_int_equal(pwrite(fileno(file), &byte, 1, (off_t)at), 1);
	}
	assert_true(reads(file));
	assert_int_equal(ftruncate(fileno(file), 0x10000), 0);
	assert_false(reads(file));
	assert_int_equal(ftruncate(fileno(file), 100), 0);
	assert_false(reads(file));
	fclose(file);
}

static void memory_goes_round_the_hole(void **state)
{
	(void)state;
	assert_true(core_file_gpa(MULLION_HOLE_BASE - 1) == MULLION_HOLE_BASE - 1);
	assert_true(core_file_gpa(MULLION_HOLE_BASE) == MULLION_HOLE_END);
	assert_true(core_file_gpa(MULLION_HOLE_BASE + 4096) == MULLION_HOLE_END + 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_lies_where_the_partition_has_it),
		cmocka_unit_test(what_exceeds_the_hole_continues_at_4_gib),
		cmocka_unit_test(each_vcpu_has_its_registers),
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(a_damaged_file_is_no_core),
		cmocka_unit_test(memory_goes_round_the_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
