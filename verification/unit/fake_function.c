/*
 * A PCI function made of memory: configuration space, a BAR with registers of a virtio card, a BAR with
 * a table of messages.
 */
#include "fake_function.h"

#include <pci/pci.h>
#include <pci/registers.h>

#include <mullion/irq.h>
#include <mullion/memory.h>
#include <mullion/mmio.h>

#define ADDRESS 0xcf8u
#define DATA    0xcfcu

struct fake_function fake;
static uint32_t selected;

uint32_t fake_config(unsigned offset)
{
	uint32_t value;

	memcpy(&value, fake.config + offset, sizeof(value));
	return value;
}

void fake_config32(unsigned offset, uint32_t value)
{
	memcpy(fake.config + offset, &value, sizeof(value));
}

void fake_begin(uint16_t vendor, uint16_t device)
{
	memset(&fake, 0, sizeof(fake));
	fake_config32(PCI_IDENTITY, (uint32_t)device << 16 | vendor);
	fake_config32(PCI_COMMAND, 0x00100000 | COMMAND_MEMORY);
	fake_config32(PCI_CLASS, 0x02000001);
	fake_config32(PCI_BAR + 4, FAKE_LOW);
	fake_config32(PCI_BAR + 16, FAKE_HIGH | BAR_WIDE);
	fake.bar_masks[1] = ~0xfffu;
	fake.bar_masks[4] = ~(FAKE_BAR_BYTES - 1);
	fake.bar_masks[5] = UINT32_MAX;
	memset(fake.table, 0, sizeof(fake.table));
}

void fake_model(uint32_t (*read)(unsigned offset), void (*write)(unsigned offset, uint32_t value))
{
	fake_config32(PCI_BAR, FAKE_MODEL);
	fake.bar_masks[0] = ~(FAKE_MODEL_BYTES - 1);
	fake.model_read = read;
	fake.model_write = write;
}

/* ---- Ports ---- */

static bool here(void)
{
	return selected >> 31 && (selected >> 8 & 0xffff) == FAKE_BDF;
}

uint32_t fake_port_read(uint16_t port, unsigned bytes)
{
	uint32_t value = UINT32_MAX;

	assert_in_range(port, DATA, DATA + 4 - bytes);
	if (here())
		memcpy(&value, fake.config + (selected & 0xfc) + (port & 3), bytes);
	return value;
}

static void write_bar(unsigned index, uint32_t value)
{
	const unsigned offset = PCI_BAR + 4 * index;

	fake.exposed += fake.config[PCI_COMMAND] & COMMAND_MEMORY;
	fake_config32(offset,
		(fake_config(offset) & ~fake.bar_masks[index]) | (value & fake.bar_masks[index]));
}

/* The capability of MSI, less its control, is the kernel's where messages are preset. */
static bool is_preset(unsigned offset)
{
	const uint8_t at = fake.config[PCI_CAPABILITIES];

	return fake.preset && at != 0 && fake.config[at] == PCI_CAPABILITY_MSI &&
	       offset >= at + MSI_ADDRESS && offset < at + 24u;
}

void fake_port_write(uint16_t port, unsigned bytes, uint32_t value)
{
	const unsigned offset = (selected & 0xfc) + (port & 3);

	if (port == ADDRESS) {
		assert_int_equal(bytes, 4);
		selected = value;
	} else if (!here() || is_preset(offset)) {
		return;
	} else if (offset >= PCI_BAR && offset < PCI_BAR + 24) {
		write_bar((offset - PCI_BAR) / 4, value);
	} else {
		memcpy(fake.config + offset, &value, bytes);
	}
}

/* ---- Registers ---- */

static uint8_t *at(const volatile void *address, unsigned bytes)
{
	const uintptr_t a = (uintptr_t)address;

	if (a >= FAKE_LOW && a + bytes <= FAKE_LOW + sizeof(fake.table))
		return (uint8_t *)fake.table + (a - FAKE_LOW);
	if (a >= FAKE_HIGH && a + bytes <= FAKE_HIGH + FAKE_BAR_BYTES)
		return fake.registers + (a - FAKE_HIGH);
	fake.stray++;
	return NULL;
}

static bool is_model(const volatile void *address, unsigned bytes)
{
	const uintptr_t offset = (uintptr_t)address - FAKE_MODEL;

	return fake.model_read && bytes == 4 && offset < FAKE_MODEL_BYTES && offset % 4 == 0;
}

uint32_t fake_read(const volatile void *address, unsigned bytes)
{
	const uint8_t *from;
	uint32_t value = 0;

	if (is_model(address, bytes))
		return fake.model_read((unsigned)((uintptr_t)address - FAKE_MODEL));
	from = at(address, bytes);
	if (from == fake.registers + 0x14 && fake.status_sticks != 0 && fake.status_sticks--)
		return 0x80;
	if (from != NULL)
		memcpy(&value, from, bytes);
	return value;
}

void fake_write(volatile void *address, unsigned bytes, uint32_t value)
{
	uint8_t *to;

	if (is_model(address, bytes)) {
		fake.model_write((unsigned)((uintptr_t)address - FAKE_MODEL), value);
		return;
	}
	to = at(address, bytes);
	/* Of a preset message the owner has the mask alone. */
	if (fake.preset && to >= (uint8_t *)fake.table && to < (uint8_t *)(fake.table + 4) &&
		(to - (uint8_t *)fake.table) % 16 != 12)
		return;
	if (to != NULL)
		memcpy(to, &value, bytes);
}

/* ---- The rest of the SDK ---- */

bool memory_uncached(uint64_t address, uint64_t bytes)
{
	return bytes != 0 && address + bytes <= 0x100000000ull;
}

uint32_t apic_id(void)
{
	return 2;
}
