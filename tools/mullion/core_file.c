/*
 * See core_file.h. The invariant: the file's places follow from the number of vcpus and the size of
 * the memory alone, so memory can be put in any order, and what is never put reads as zero.
 */
#include "core_file.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

#define PAGE       4096u
#define LOADS_MAX  2u
#define SEGMENTS   (1u + LOADS_MAX)
#define GDB_SIGNAL 5 /* SIGTRAP: somebody stopped it */
#define GENERAL    27u
#define NOTE_NAME  8u      /* "CORE" or "MULLION", padded */
#define NT_MULLION 0x4d55u /* struct mullion_registers: control registers, too */
#define NT_IMAGE   0x4d56u /* the image the node ran, 8 bytes */

/* struct elf_prstatus of x86-64 Linux, which is what gdb reads. */
struct prstatus {
	uint32_t signal, code, number;
	uint16_t current_signal, padding;
	uint64_t pending, held;
	uint32_t pid, parent, group, session;
	uint64_t times[8];
	uint64_t registers[GENERAL];
	uint32_t has_floating_point, padding_at_end;
};
_Static_assert(sizeof(struct prstatus) == 336, "as the ABI has it");

/* struct elf_prpsinfo. */
struct prpsinfo {
	char state, letter, zombie, nice;
	uint32_t padding;
	uint64_t flags;
	uint32_t user, group, pid, parent, process_group, session;
	char name[16], arguments[80];
};
_Static_assert(sizeof(struct prpsinfo) == 136, "as the ABI has it");

struct note {
	Elf64_Nhdr header;
	char name[NOTE_NAME];
};

#define PROCESS_BYTES (sizeof(struct note) + sizeof(struct prpsinfo))
#define IMAGE_BYTES   (sizeof(struct note) + sizeof(uint64_t))
#define VCPU_BYTES                                                                                 \
	(2 * sizeof(struct note) + sizeof(struct prstatus) + sizeof(struct mullion_registers))

/* ---- Places ---- */

static uint64_t notes_bytes(const struct core_file *core)
{
	return PROCESS_BYTES + IMAGE_BYTES + core->vcpus * VCPU_BYTES;
}

static uint64_t notes_offset(void)
{
	return sizeof(Elf64_Ehdr) + SEGMENTS * sizeof(Elf64_Phdr);
}

static uint64_t memory_offset(const struct core_file *core)
{
	return (notes_offset() + notes_bytes(core) + PAGE - 1) / PAGE * PAGE;
}

static uint64_t low_bytes(const struct core_file *core)
{
	return core->memory_bytes < MULLION_HOLE_BASE ? core->memory_bytes : MULLION_HOLE_BASE;
}

uint64_t core_file_gpa(uint64_t offset)
{
	return offset < MULLION_HOLE_BASE ? offset : offset - MULLION_HOLE_BASE + MULLION_HOLE_END;
}

/* ---- Headers ---- */

static bool put(const struct core_file *core, const void *bytes, size_t count)
{
	return fwrite(bytes, 1, count, core->file) == count;
}

static Elf64_Ehdr make_header(void)
{
	return (Elf64_Ehdr){
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			EV_CURRENT, ELFOSABI_NONE },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (uint16_t)SEGMENTS,
	};
}

static Elf64_Phdr make_load(
	const struct core_file *core, uint64_t gpa, uint64_t offset, uint64_t bytes)
{
	return (Elf64_Phdr){
		.p_type = bytes ? PT_LOAD : PT_NULL,
		.p_flags = PF_R | PF_W | PF_X,
		.p_offset = memory_offset(core) + offset,
		.p_vaddr = gpa,
		.p_paddr = gpa,
		.p_filesz = bytes,
		.p_memsz = bytes,
		.p_align = PAGE,
	};
}

static void make_segments(const struct core_file *core, Elf64_Phdr segments[SEGMENTS])
{
	const uint64_t low = low_bytes(core);

	segments[0] = (Elf64_Phdr){
		.p_type = PT_NOTE,
		.p_offset = notes_offset(),
		.p_filesz = notes_bytes(core),
		.p_align = 4,
	};
	segments[1] = make_load(core, 0, 0, low);
	segments[2] = make_load(core, MULLION_HOLE_END, low, core->memory_bytes - low);
}

static bool put_headers(const struct core_file *core)
{
	const Elf64_Ehdr header = make_header();
	Elf64_Phdr segments[SEGMENTS];

	make_segments(core, segments);
	return put(core, &header, sizeof(header)) && put(core, segments, sizeof(segments));
}

/* ---- Notes ---- */

static bool put_note(const struct core_file *core, const char *name, uint32_t type,
	const void *content, size_t bytes)
{
	struct note note = { .header = { (uint32_t)strlen(name) + 1, (uint32_t)bytes, type } };

	/* Names are padded to four bytes: "CORE" and "MULLION" both fill eight with their NUL. */
	memcpy(note.name, name, strlen(name));
	return put(core, &note, sizeof(note)) && put(core, content, bytes);
}

static bool put_process(const struct core_file *core)
{
	struct prpsinfo info = { .letter = 'T', .pid = 1 };

	strncpy(info.name, core->name, sizeof(info.name) - 1);
	strncpy(info.arguments, core->name, sizeof(info.arguments) - 1);
	return put_note(core, "CORE", NT_PRPSINFO, &info, sizeof(info));
}

static bool put_vcpu(const struct core_file *core, unsigned vcpu)
{
	const struct mullion_registers *registers = &core->registers[vcpu];
	struct prstatus status = {
		.signal = GDB_SIGNAL, .current_signal = GDB_SIGNAL, .pid = vcpu + 1
	};

	memcpy(status.registers, registers, sizeof(status.registers));
	return put_note(core, "CORE", NT_PRSTATUS, &status, sizeof(status)) &&
	       put_note(core, "MULLION", NT_MULLION, registers, sizeof(*registers));
}

bool core_file_begin(const struct core_file *core)
{
	bool good = put_headers(core) && put_process(core) &&
		    put_note(core, "MULLION", NT_IMAGE, &core->image, sizeof(core->image));
	unsigned i;

	for (i = 0; good && i < core->vcpus; i++)
		good = put_vcpu(core, i);
	return good && !fflush(core->file) &&
	       !ftruncate(fileno(core->file), (off_t)(memory_offset(core) + core->memory_bytes));
}

bool core_file_put(
	const struct core_file *core, uint64_t offset, const uint8_t *memory, size_t bytes)
{
	return !fseeko(core->file, (off_t)(memory_offset(core) + offset), SEEK_SET) &&
	       put(core, memory, bytes);
}

/* ---- Reading ---- */

static bool get(const struct core_file *core, uint64_t offset, void *bytes, size_t count)
{
	return !fseeko(core->file, (off_t)offset, SEEK_SET) &&
	       fread(bytes, 1, count, core->file) == count;
}

/* How much it holds follows from its headers; they are then as they would be written. */
static bool get_shape(struct core_file *core)
{
	const Elf64_Ehdr expected = make_header();
	Elf64_Phdr segments[SEGMENTS], expected_segments[SEGMENTS];
	const uint64_t fixed = PROCESS_BYTES + IMAGE_BYTES;
	Elf64_Ehdr header;

	if (!get(core, 0, &header, sizeof(header)) ||
		!get(core, sizeof(header), segments, sizeof(segments)) ||
		memcmp(&header, &expected, sizeof(header)) != 0 || segments[0].p_filesz < fixed ||
		segments[1].p_filesz > MULLION_HOLE_BASE)
		return false;
	core->memory_bytes = segments[1].p_filesz + segments[2].p_filesz;
	core->vcpus = (unsigned)((segments[0].p_filesz - fixed) / VCPU_BYTES);
	make_segments(core, expected_segments);
	return core->vcpus <= CORE_VCPUS_MAX && core->memory_bytes % PAGE == 0 &&
	       memcmp(segments, expected_segments, sizeof(segments)) == 0;
}

static bool get_notes(struct core_file *core, char name[CORE_NAME_BYTES])
{
	struct prpsinfo info;
	uint64_t at = notes_offset() + PROCESS_BYTES;
	bool good = get(core, at - sizeof(info), &info, sizeof(info)) &&
		    get(core, at + sizeof(struct note), &core->image, sizeof(core->image));
	unsigned i;

	for (i = 0; good && i < core->vcpus; i++)
		good = get(core, at + IMAGE_BYTES + (i + 1) * VCPU_BYTES - sizeof(*core->registers),
			&core->registers[i], sizeof(*core->registers));
	if (!good || !memchr(info.arguments, '\0', CORE_NAME_BYTES))
		return false;
	memcpy(name, info.arguments, CORE_NAME_BYTES);
	core->name = name;
	return true;
}

bool core_file_read(struct core_file *core, char name[CORE_NAME_BYTES])
{
	uint8_t last;

	return get_shape(core) && get_notes(core, name) &&
	       get(core, memory_offset(core) + core->memory_bytes - 1, &last, sizeof(last));
}

bool core_file_get(const struct core_file *core, uint64_t offset, uint8_t *memory, size_t bytes)
{
	return get(core, memory_offset(core) + offset, memory, bytes);
}
