/*
 * Ports, MSRs, address-space ids; and that every vcpu of a partition has the same rights.
 *
 * The invariant that is proved: no port is granted twice, none that the kernel keeps is granted,
 * and the MSRs open to partitions are exactly the documented ones (docs/audit.md). AMD APM 2,
 * 15.10.1 and 15.11: a set bit exits.
 */
#include "audit.h"

#include <string.h>

#include "allocate.h"

#define PORTS               0x10000u
#define CONFIGURATION_PORTS 0xcf8u /* eight: PCI 3.0, 3.2.2.3.2 */

bool audit_port_open(const uint8_t *bitmap, uint32_t port)
{
	return !(bitmap[port / 8] >> port % 8 & 1);
}

/* The bitmap's three vectors of 2 KiB, 8,192 MSRs each. */
uint32_t audit_msr(uint32_t number)
{
	static const uint32_t bases[] = { 0, 0xc0000000u, 0xc0010000u };

	return bases[number / 0x2000 % 3] + number % 0x2000;
}

bool audit_msr_open(const uint8_t *bitmap, uint32_t number, bool write)
{
	const uint32_t bit = 2 * number + write;

	return !(bitmap[bit / 8] >> bit % 8 & 1);
}

/* ---- MSRs ---- */

struct allowed {
	uint32_t msr;
	bool write;
};

/* Written down here once more, on purpose: the compiler's list is what is being judged. */
static const struct allowed allowed[] = {
	{ 0x00000010, false }, /* TSC */
	{ 0x00000174, true },  /* SYSENTER_CS, _ESP, _EIP */
	{ 0x00000175, true },
	{ 0x00000176, true },
	{ 0xc0000081, true }, /* STAR, LSTAR, CSTAR, SFMASK */
	{ 0xc0000082, true },
	{ 0xc0000083, true },
	{ 0xc0000084, true },
	{ 0xc0000100, true }, /* FS_BASE, GS_BASE, KERNEL_GS_BASE */
	{ 0xc0000101, true },
	{ 0xc0000102, true },
};

static bool is_allowed(uint32_t msr, bool write)
{
	size_t i;

	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (allowed[i].msr == msr)
			return allowed[i].write || !write;
	return false;
}

static void check_msr(
	struct audit *audit, const struct audit_partition *partition, uint32_t number, bool write)
{
	const uint32_t msr = audit_msr(number), byte = (2 * number + write) / 8;
	const bool open = audit_msr_open(partition->msr_bitmap, number, write);

	if (open == is_allowed(msr, write))
		return;
	audit_find(audit, open ? "msr-surplus" : "msr-missing",
		"partition %s %s MSR %#010x without an exit: bit %u of the byte at %s",
		partition->name,
		open ? (write ? "may write" : "may read")
		     : (write ? "may no longer write" : "may no longer read"),
		msr, (2 * number + write) % 8,
		audit_image_place(
			&audit->image, audit_address(partition->arch->msr_bitmap) + byte));
}

static void check_msrs(struct audit *audit, const struct audit_partition *partition)
{
	uint32_t number, byte;

	for (number = 0; number < AUDIT_MSRS; number++) {
		check_msr(audit, partition, number, false);
		check_msr(audit, partition, number, true);
	}
	for (byte = AUDIT_MSRS / 4; byte < X86_MSR_BITMAP_BYTES; byte++)
		if (partition->msr_bitmap[byte] != 0xff) {
			audit_find(audit, "msr-reserved",
				"the reserved part of the MSR bitmap of %s is not all ones at %s",
				partition->name,
				audit_image_place(&audit->image,
					audit_address(partition->arch->msr_bitmap) + byte));
			return;
		}
}

/* ---- Ports ---- */

static const char *port_place(
	const struct audit *audit, const struct audit_partition *partition, uint32_t port)
{
	return format("bit %u of the byte at %s", port % 8,
		audit_image_place(
			&audit->image, audit_address(partition->arch->io_bitmap) + port / 8));
}

/* Ports that are the kernel's, whoever else would have them. */
static void check_kernel_port(
	struct audit *audit, const struct audit_partition *owner, uint32_t port)
{
	const struct arch_system_tables *arch = audit->arch;
	const char *what = NULL;

	if (port == arch->poweroff_port && arch->poweroff_port)
		what = "powers the node off";
	if (port == arch->reset_port && arch->reset_port)
		what = "resets the node";
	if (port - CONFIGURATION_PORTS < 8)
		what = "is PCI configuration space's";
	if (arch->uart_port && !arch->uart_granted && port - arch->uart_port < 8u)
		what = "is the kernel's console's";
	if (what)
		audit_find(audit, "port-kernel", "partition %s may use port %#x, which %s: %s",
			owner->name, port, what, port_place(audit, owner, port));
}

static void check_port(struct audit *audit, uint32_t port)
{
	const struct arch_system_tables *arch = audit->arch;
	const struct audit_partition *owner = NULL;
	unsigned p;

	for (p = 0; p < audit->system->partitions_count; p++) {
		const struct audit_partition *partition = &audit->partitions[p];

		if (!partition->io_bitmap || !audit_port_open(partition->io_bitmap, port))
			continue;
		if (owner)
			audit_find(audit, "port-twice",
				"port %#x is granted to %s and to %s: %s, and %s", port,
				owner->name, partition->name, port_place(audit, owner, port),
				port_place(audit, partition, port));
		owner = partition;
	}
	if (owner)
		check_kernel_port(audit, owner, port);
	else if (arch->uart_port && arch->uart_granted && port == arch->uart_port)
		audit_find(audit, "port-kernel",
			"the kernel gives its console's port %#x away, and no partition has it",
			port);
}

static void check_ports(struct audit *audit, const struct audit_partition *partition)
{
	uint32_t port;

	for (port = PORTS; port < 8 * X86_IO_BITMAP_BYTES; port++)
		if (audit_port_open(partition->io_bitmap, port)) {
			audit_find(audit, "port-beyond",
				"the I/O bitmap of %s is open beyond the last port: %s",
				partition->name, port_place(audit, partition, port));
			break;
		}
	if (partition->info && partition->info->uart_port &&
		!audit_port_open(partition->io_bitmap, partition->info->uart_port))
		audit_find(audit, "info-page",
			"the info page of %s promises a UART at port %#x, which is not granted: %s",
			partition->name, partition->info->uart_port,
			port_place(audit, partition, partition->info->uart_port));
}

/* ---- Vcpus ---- */

static bool same_bytes(const struct audit *audit, const void *a, const void *b, uint64_t bytes)
{
	const void *x = audit_image_at(&audit->image, audit_address(a), bytes);
	const void *y = audit_image_at(&audit->image, audit_address(b), bytes);

	return a == b || (x && y && memcmp(x, y, bytes) == 0);
}

static const char *vcpu_trouble(const struct audit *audit, const struct arch_vcpu_tables *first,
	const struct arch_vcpu_tables *vcpu)
{
	if (vcpu->stage2 != first->stage2)
		return "another stage-2 root";
	if (vcpu->peek != first->peek)
		return "another peek root";
	if (vcpu->restore != first->restore)
		return "another restore root";
	if (!same_bytes(audit, vcpu->io_bitmap, first->io_bitmap, X86_IO_BITMAP_BYTES) ||
		audit_address(vcpu->io_bitmap) % AUDIT_PAGE)
		return "other ports";
	if (!same_bytes(audit, vcpu->msr_bitmap, first->msr_bitmap, X86_MSR_BITMAP_BYTES) ||
		audit_address(vcpu->msr_bitmap) % AUDIT_PAGE)
		return "other MSRs";
	if (vcpu->asid != first->asid)
		return "another address-space id";
	if (vcpu->memory_bytes != first->memory_bytes || vcpu->entry_gpa != first->entry_gpa ||
		vcpu->start_info_gpa != first->start_info_gpa)
		return "another memory size or entry";
	if (vcpu->first_function != first->first_function ||
		vcpu->functions_count != first->functions_count)
		return "other PCI functions";
	return NULL;
}

static void check_vcpus(struct audit *audit, const struct audit_partition *partition, unsigned p)
{
	unsigned i;

	for (i = 0; i < partition->table->vcpus; i++) {
		const unsigned v = partition->table->first_vcpu + i;
		const char *wrong = vcpu_trouble(audit, partition->arch, audit->vcpu_arch[v]);

		if (wrong)
			audit_find(audit, "vcpu-rights",
				"vcpu %u of %s has %s than its vcpu 0: see %s", i, partition->name,
				wrong,
				audit_image_place(
					&audit->image, audit_address(audit->vcpus[v].arch)));
		if (audit->vcpus[v].partition != p || audit->vcpus[v].index != i)
			audit_find(audit, "vcpu-partition",
				"vcpu %u of %s is not its own: it says it is vcpu %u of %s", i,
				partition->name, audit->vcpus[v].index,
				audit->partitions[audit->vcpus[v].partition].name);
	}
	if (partition->arch->start_info_gpa != MULLION_START_GPA)
		audit_find(audit, "start-page",
			"partition %s is told to look for its start page at %#x", partition->name,
			partition->arch->start_info_gpa);
}

/* Two partitions with one id would use each other's cached translations. Id 0 is the host's. */
static void check_asids(struct audit *audit)
{
	unsigned p, q;

	for (p = 0; p < audit->system->partitions_count; p++) {
		const struct audit_partition *a = &audit->partitions[p];

		if (!a->arch->asid)
			audit_find(audit, "asid",
				"partition %s has address-space id 0, the kernel's", a->name);
		if (a->arch->asid > audit->system->partitions_count)
			audit_find(audit, "asid",
				"partition %s has address-space id %u, and there are only %u "
				"partitions",
				a->name, a->arch->asid, audit->system->partitions_count);
		for (q = 0; q < p; q++)
			if (audit->partitions[q].arch->asid == a->arch->asid)
				audit_find(audit, "asid",
					"partitions %s and %s share address-space id %u: each "
					"would "
					"use translations of the other",
					audit->partitions[q].name, a->name, a->arch->asid);
	}
}

void audit_permissions(struct audit *audit)
{
	uint32_t port;
	unsigned p;

	for (p = 0; p < audit->system->partitions_count; p++) {
		const struct audit_partition *partition = &audit->partitions[p];

		check_vcpus(audit, partition, p);
		if (partition->msr_bitmap)
			check_msrs(audit, partition);
		if (partition->io_bitmap)
			check_ports(audit, partition);
	}
	for (port = 0; port < PORTS; port++)
		check_port(audit, port);
	check_asids(audit);
}
