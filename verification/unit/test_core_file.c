/* An ELF core read back: places, registers, the hole below 4 GiB. */
#include "unit.h"

#include <elf.h>
#include <string.h>
#include <sys/stat.h>

#include "core_file.h"

struct read_back {
	Elf64_Ehdr header;
	Elf64_Phdr segments[3];
	uint8_t notes[4096];
};

static struct read_back write_core(uint64_t bytes, unsigned vcpus, FILE *out)
{
	struct core_file core = {
		.out = out, .name = "nav", .memory_bytes = bytes, .vcpus = vcpus
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_lies_where_the_partition_has_it),
		cmocka_unit_test(what_exceeds_the_hole_continues_at_4_gib),
		cmocka_unit_test(each_vcpu_has_its_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
