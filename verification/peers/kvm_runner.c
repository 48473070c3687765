/*
 * Runs one PVH ELF64 under KVM: `kvm_runner IMAGE MEBIBYTES COMMAND-LINE`. One vcpu, KVM's own
 * local APIC, no devices but two ports: 0xe9 is passed through to the machine's debug console, 0xf4
 * ends.
 *
 * It is what `qemu -kernel` does at its smallest, so that what is measured is KVM and nothing else:
 * memory locked, the thread SCHED_FIFO 90, TSC deadline and x2APIC offered. Specification: Linux
 * Documentation/virt/kvm/api.rst; Xen public/arch-x86/hvm/start_info.h.
 */
#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define START_INFO          0x1000u
#define MEMORY_MAP          0x1100u
#define COMMAND_LINE        0x1200u
#define COMMAND_BYTES       1024u
#define START_MAGIC         0x336ec578u
#define NOTE_PHYS32_ENTRY   18u
#define CPUID_ENTRIES       128u
#define CPUID_1_ECX_OFFERED (1u << 21 | 1u << 24) /* x2APIC, TSC deadline */
#define DEBUG_PORT          0xe9
#define EXIT_PORT           0xf4
#define PRIORITY            90

struct start_info {
	uint32_t magic, version, flags, modules_count;
	uint64_t modules, command, rsdp, map;
	uint32_t map_entries, reserved;
};

struct map_entry {
	uint64_t base, bytes;
	uint32_t type, reserved;
};

struct machine {
	int kvm, vm, vcpu;
	uint8_t *memory;
	size_t bytes;
	struct kvm_run *run;
};

static const uint8_t *map_file(const char *path, size_t *bytes)
{
	int file = open(path, O_RDONLY);
	struct stat status;
	void *data;

	if (file < 0 || fstat(file, &status))
		err(1, "%s", path);
	*bytes = (size_t)status.st_size;
	data = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, file, 0);
	if (data == MAP_FAILED)
		err(1, "%s", path);
	return data;
}

static uint32_t entry_in_notes(const uint8_t *notes, size_t bytes)
{
	size_t at = 0;

	while (at + sizeof(Elf64_Nhdr) <= bytes) {
		const Elf64_Nhdr *note = (const void *)(notes + at);
		size_t name = at + sizeof(*note), value = name + ((note->n_namesz + 3u) & ~3u);

		if (note->n_type == NOTE_PHYS32_ENTRY && value + 4 <= bytes &&
			!memcmp(notes + name, "Xen", 4))
			return *(const uint32_t *)(const void *)(notes + value);
		at = value + ((note->n_descsz + 3u) & ~3u);
	}
	return 0;
}

/* Copies the segments and returns the PVH entry point. */
static uint32_t load(const struct machine *machine, const char *path)
{
	size_t bytes;
	const uint8_t *file = map_file(path, &bytes);
	const Elf64_Ehdr *header = (const void *)file;
	const Elf64_Phdr *segment = (const void *)(file + header->e_phoff);
	uint32_t entry = 0;
	int i;

	if (bytes < sizeof(*header) || memcmp(header->e_ident, ELFMAG "\2", 5))
		errx(1, "%s: not an ELF64", path);
	for (i = 0; i < header->e_phnum; i++, segment++) {
		if (segment->p_offset + segment->p_filesz > bytes)
			errx(1, "%s: a segment breaks off", path);
		if (segment->p_type == PT_NOTE && !entry)
			entry = entry_in_notes(file + segment->p_offset, segment->p_filesz);
		if (segment->p_type != PT_LOAD)
			continue;
		if (segment->p_paddr + segment->p_memsz > machine->bytes)
			errx(1, "%s: a segment lies outside its memory", path);
		memcpy(machine->memory + segment->p_paddr, file + segment->p_offset,
			segment->p_filesz);
	}
	if (!entry)
		errx(1, "%s: no PVH entry note", path);
	return entry;
}

static void write_start_info(const struct machine *machine, const char *command)
{
	const struct start_info info = { .magic = START_MAGIC,
		.version = 1,
		.command = COMMAND_LINE,
		.map = MEMORY_MAP,
		.map_entries = 1 };
	const struct map_entry map = { 0, machine->bytes, 1, 0 };

	memcpy(machine->memory + START_INFO, &info, sizeof(info));
	memcpy(machine->memory + MEMORY_MAP, &map, sizeof(map));
	strncpy((char *)machine->memory + COMMAND_LINE, command, COMMAND_BYTES - 1);
}

static void need(int result, const char *what)
{
	if (result < 0)
		err(1, "%s", what);
}

static void create(struct machine *machine)
{
	struct kvm_userspace_memory_region region = { 0 };
	int bytes;

	need(machine->kvm = open("/dev/kvm", O_RDWR), "/dev/kvm");
	need(machine->vm = ioctl(machine->kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	machine->memory = mmap(NULL, machine->bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (machine->memory == MAP_FAILED)
		err(1, "memory");
	region.memory_size = machine->bytes;
	region.userspace_addr = (uintptr_t)machine->memory;
	need(ioctl(machine->vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	need(ioctl(machine->vm, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
	need(machine->vcpu = ioctl(machine->vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	need(bytes = ioctl(machine->kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	machine->run =
		mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, machine->vcpu, 0);
	if (machine->run == MAP_FAILED)
		err(1, "kvm_run");
}

static void offer_cpuid(const struct machine *machine)
{
	struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + CPUID_ENTRIES * sizeof(cpuid->entries[0]));
	uint32_t i;

	if (!cpuid)
		err(1, "CPUID");
	cpuid->nent = CPUID_ENTRIES;
	need(ioctl(machine->kvm, KVM_GET_SUPPORTED_CPUID, cpuid), "KVM_GET_SUPPORTED_CPUID");
	for (i = 0; i < cpuid->nent; i++) {
		if (cpuid->entries[i].function == 1)
			cpuid->entries[i].ecx |= CPUID_1_ECX_OFFERED;
	}
	need(ioctl(machine->vcpu, KVM_SET_CPUID2, cpuid), "KVM_SET_CPUID2");
	free(cpuid);
}

/* PVH: 32-bit protected mode, paging off, flat segments, EBX = start info. */
static void set_registers(const struct machine *machine, uint32_t entry)
{
	const struct kvm_segment data = { 0, 0xffffffffu, 0x10, 3, 1, 0, 1, 1, 0, 1, 0, 0, 0 };
	const struct kvm_segment code = { 0, 0xffffffffu, 0x08, 11, 1, 0, 1, 1, 0, 1, 0, 0, 0 };
	const struct kvm_segment task = { 0, 0x67, 0x18, 11, 1, 0, 0, 0, 0, 0, 0, 0, 0 };
	struct kvm_regs registers = { .rip = entry, .rbx = START_INFO, .rflags = 2 };
	struct kvm_sregs special;

	need(ioctl(machine->vcpu, KVM_GET_SREGS, &special), "KVM_GET_SREGS");
	special.cs = code;
	special.ds = special.es = special.ss = special.fs = special.gs = data;
	special.tr = task;
	special.cr0 = 0x11;
	special.cr4 = special.efer = 0;
	need(ioctl(machine->vcpu, KVM_SET_SREGS, &special), "KVM_SET_SREGS");
	need(ioctl(machine->vcpu, KVM_SET_REGS, &registers), "KVM_SET_REGS");
}

/* Returns the value written to the exit port. */
static int run(const struct machine *machine)
{
	struct kvm_run *state = machine->run;

	for (;;) {
		const uint8_t *data;
		uint32_t i;

		need(ioctl(machine->vcpu, KVM_RUN, 0), "KVM_RUN");
		if (state->exit_reason != KVM_EXIT_IO)
			errx(1, "the guest stopped with exit reason %u", state->exit_reason);
		data = (const uint8_t *)state + state->io.data_offset;
		if (state->io.direction != KVM_EXIT_IO_OUT)
			continue;
		if (state->io.port == EXIT_PORT)
			return data[0];
		for (i = 0; state->io.port == DEBUG_PORT && i < state->io.count; i++)
			outb(data[i], DEBUG_PORT);
	}
}

int main(int argc, char **argv)
{
	const struct sched_param priority = { .sched_priority = PRIORITY };
	struct machine machine = { 0 };
	uint32_t entry;

	if (argc != 4)
		errx(2, "usage: kvm_runner IMAGE MEBIBYTES COMMAND-LINE");
	machine.bytes = strtoul(argv[2], NULL, 10) << 20;
	need(ioperm(DEBUG_PORT, 1, 1), "port 0xe9");
	create(&machine);
	entry = load(&machine, argv[1]);
	write_start_info(&machine, argv[3]);
	offer_cpuid(&machine);
	set_registers(&machine, entry);
	need(mlockall(MCL_CURRENT | MCL_FUTURE), "mlockall");
	need(sched_setscheduler(0, SCHED_FIFO, &priority), "SCHED_FIFO");
	return run(&machine) == 0x10 ? 0 : 1;
}
