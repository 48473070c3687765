/*
 * The model of an 82574. See fake_82574.h. Invariant: it touches memory only through descriptors that
 * its head and tail name, after bus mastering was switched on.
 */
#include "fake_82574.h"

#include <pci/registers.h>

#define MAC_LOW  0x12005452u
#define MAC_HIGH 0x5634u

struct fake_82574 intel;
static unsigned fetched;

static uint32_t *reg(unsigned offset)
{
	return &intel.registers[offset / 4];
}

static void power_up(void)
{
	memset(intel.registers, 0, sizeof(intel.registers));
	*reg(STATUS) = STATUS_LINK | STATUS_MASTER;
	*reg(EECD) = EECD_LOADED;
	*reg(RAL0) = MAC_LOW;
	*reg(RAH0) = MAC_HIGH | RAH0_VALID;
	*reg(TCTL) = 1u << 28 | 0x3ffu << 12;
	*reg(RXCSUM) = 0x300;
	fetched = 0;
}

static uint32_t sticking(unsigned *turns, uint32_t value, uint32_t bit)
{
	if (*turns == 0)
		return value;
	--*turns;
	return value ^ bit;
}

static uint32_t read(unsigned offset)
{
	if (intel.unplugged)
		return UINT32_MAX;
	if (offset == CTRL)
		return sticking(&intel.reset_sticks, *reg(CTRL), CTRL_RESET);
	if (offset == EECD)
		return sticking(&intel.load_sticks, *reg(EECD), EECD_LOADED);
	if (offset == STATUS && *reg(CTRL) & CTRL_MASTER_OFF)
		return sticking(&intel.master_sticks, *reg(STATUS) & ~STATUS_MASTER, STATUS_MASTER);
	return *reg(offset);
}

static void write(unsigned offset, uint32_t value)
{
	if (offset == CTRL && value & CTRL_RESET) {
		intel.early += !(value & CTRL_MASTER_OFF);
		intel.resets++;
		power_up();
		return;
	}
	*reg(offset) = value;
}

void fake_82574_begin(uint16_t device)
{
	fake_begin(E1000E_VENDOR, device);
	fake_model(read, write);
	memset(&intel, 0, sizeof(intel));
	power_up();
	*reg(RCTL) = RCTL_ENABLE; /* somebody has used it */
	*reg(CTRL) = CTRL_FORCE_SPEED | CTRL_TAGS;
}

static void *ring(unsigned base)
{
	assert_true(fake_config(PCI_COMMAND) & COMMAND_BUS_MASTER);
	assert_int_equal(*reg(base + RDLEN - RDBAL), E1000E_DEPTH * 16);
	return (void *)(uintptr_t)((uint64_t)*reg(base + RDBAH - RDBAL) << 32 | *reg(base));
}

const uint8_t *fake_82574_fetch(unsigned *bytes)
{
	const struct e1000e_sent *sent = ring(TDBAL);

	if (!(*reg(TCTL) & TCTL_ENABLE) || *reg(TDH) == *reg(TDT))
		return NULL;
	sent += *reg(TDH);
	*reg(TDH) = (*reg(TDH) + 1) % E1000E_DEPTH;
	fetched++;
	assert_int_equal(sent->command, SEND_LAST | SEND_CHECKSUM | SEND_REPORT);
	assert_int_equal(sent->status, 0);
	*bytes = sent->bytes;
	return (const uint8_t *)(uintptr_t)sent->address;
}

void fake_82574_done(void)
{
	struct e1000e_sent *sent = ring(TDBAL);

	assert_int_not_equal(fetched, 0);
	sent[(*reg(TDH) + E1000E_DEPTH - fetched--) % E1000E_DEPTH].status = SENT_DONE;
}

bool fake_82574_deliver(
	const uint8_t *frame, unsigned bytes, unsigned length, uint8_t status, uint8_t errors)
{
	struct e1000e_received *received = ring(RDBAL);

	if (!(*reg(RCTL) & RCTL_ENABLE) || *reg(RDH) == *reg(RDT))
		return false;
	received += *reg(RDH);
	*reg(RDH) = (*reg(RDH) + 1) % E1000E_DEPTH;
	assert_int_equal(received->status, 0);
	memcpy((void *)(uintptr_t)received->address, frame, bytes);
	received->bytes = (uint16_t)length;
	received->errors = errors;
	received->status = status;
	return true;
}
