/*
 * Rules about IOMMUs, PCI buses and bridges: where they are, and that they can be told apart.
 */
#include <inttypes.h>
#include <string.h>

#include "check.h"

#define BUS_BYTES       (1ull << 20) /* of memory-mapped configuration space: PCIe 7.2.2 */
#define MOST_BUSES      256u
#define VTD_REGISTERS   0x1000ull /* VT-d 10.1 */
#define AMDVI_REGISTERS 0x4000ull /* AMD I/O virtualization 3.4 */
#define VTD_FEWEST_BITS 39u
#define MOST_BITS       48u

static struct location reg_at(const struct check *check, struct location at)
{
	return place(check, at, "reg");
}

static void iommu_kind(struct check *check)
{
	for (size_t i = 0; i < check->model->iommus_count; i++) {
		const struct model_iommu *unit = &check->model->iommus[i];

		if (unit->kind == 0)
			fault(check, place(check, unit->at, "compatible"),
				say(check, "%s is of no kind that the kernel knows", unit->name),
				"write compatible = \"intel,vt-d\" or \"amd,iommu\"");
	}
}

static void iommu_bits(struct check *check)
{
	for (size_t i = 0; i < check->model->iommus_count; i++) {
		const struct model_iommu *unit = &check->model->iommus[i];
		const bool vtd = unit->kind == X86_IOMMU_VTD;

		if (unit->kind == 0 || unit->address_bits == MOST_BITS ||
			(vtd && unit->address_bits == VTD_FEWEST_BITS))
			continue;
		fault(check, place(check, unit->at, "address-bits"),
			say(check, "%s cannot translate %u bits", unit->name, unit->address_bits),
			vtd ? "write 48 (four levels) or 39 (three), as its capability register "
			      "says"
			    : "write 48 (four levels)");
	}
}

/* A partition has one set of translation tables, for all units. */
static void iommu_alike(struct check *check)
{
	const struct model_iommu *first = check->model->iommus;

	for (size_t i = 1; i < check->model->iommus_count; i++) {
		const struct model_iommu *unit = &check->model->iommus[i];

		if (unit->kind == 0 || first->kind == 0)
			continue;
		if (unit->kind != first->kind)
			fault(check, place(check, unit->at, "compatible"),
				say(check, "%s is of another kind than %s (line %u)", unit->name,
					first->name, first->at.line),
				"describe units of one kind");
		else if (unit->address_bits != first->address_bits)
			fault(check, place(check, unit->at, "address-bits"),
				say(check, "%s translates %u bits, but %s (line %u) %u", unit->name,
					unit->address_bits, first->name, first->at.line,
					first->address_bits),
				"write what all units can: the smaller of the two");
	}
}

static uint64_t registers_bytes(const struct model_iommu *unit)
{
	return unit->kind == X86_IOMMU_AMDVI ? AMDVI_REGISTERS : VTD_REGISTERS;
}

static void iommu_page(struct check *check)
{
	for (size_t i = 0; i < check->model->iommus_count; i++) {
		const struct model_iommu *unit = &check->model->iommus[i];

		if ((unit->reg.base | unit->reg.bytes) % MULLION_PAGE_BYTES == 0 &&
			unit->reg.bytes >= registers_bytes(unit) &&
			unit->reg.bytes <= UINT64_MAX - unit->reg.base)
			continue;
		fault(check, reg_at(check, unit->at),
			say(check, "%s %s are not the registers of such a unit", unit->name,
				say_range(check, unit->reg)),
			say(check, "name whole pages, at least 0x%" PRIx64 " bytes",
				registers_bytes(unit)));
	}
}

/* What else is at an address of memory space: its name and place, or NULL. */
static const char *ram_or_device(
	struct check *check, struct range range, bool (*excused)(const struct model_device *device))
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->board.ram_count; i++)
		if (ranges_overlap(model->board.ram[i], range))
			return say(check, "the memory %s", say_range(check, model->board.ram[i]));
	for (size_t i = 0; i < model->devices_count; i++) {
		const struct model_device *device = &model->devices[i];

		if (!device->is_port && ranges_overlap(device->reg, range) &&
			(excused == NULL || !excused(device)))
			return say(check, "%s %s", device->name, say_range(check, device->reg));
	}
	return NULL;
}

static const char *beside_iommu(struct check *check, size_t index)
{
	const struct model *model = check->model;
	const struct range reg = model->iommus[index].reg;

	for (size_t i = 0; i < index; i++)
		if (ranges_overlap(model->iommus[i].reg, reg))
			return say(check, "%s %s", model->iommus[i].name,
				say_range(check, model->iommus[i].reg));
	if (ranges_overlap(model->ecam, reg))
		return say(check, "the configuration space %s", say_range(check, model->ecam));
	return ram_or_device(check, reg, NULL);
}

static void iommu_overlap(struct check *check)
{
	for (size_t i = 0; i < check->model->iommus_count; i++) {
		const struct model_iommu *unit = &check->model->iommus[i];
		const char *other = beside_iommu(check, i);

		if (other != NULL)
			fault(check, reg_at(check, unit->at),
				say(check, "%s %s overlaps %s", unit->name,
					say_range(check, unit->reg), other),
				"give every address one meaning");
	}
}

static bool has_pci(const struct check *check)
{
	return source_child(check->source->root, "pci") != NULL;
}

static void ecam_buses(struct check *check)
{
	const struct range ecam = check->model->ecam;

	if (!has_pci(check) || ((ecam.base | ecam.bytes) % BUS_BYTES == 0 && ecam.bytes != 0 &&
				       ecam.bytes <= MOST_BUSES * BUS_BYTES &&
				       ecam.bytes <= UINT64_MAX - ecam.base))
		return;
	fault(check, check->model->ecam_at,
		say(check, "the configuration space %s does not hold whole buses",
			say_range(check, ecam)),
		"give it 1 MiB for every bus, 256 MiB at most, from a multiple of 1 MiB");
}

/* Boards may have listed it in `mmio` before they listed what is in it. */
static bool is_ecam(const struct model_device *device)
{
	return device->compatible != NULL &&
	       strcmp(device->compatible, "pci-host-ecam-generic") == 0;
}

static void ecam_overlap(struct check *check)
{
	const char *other = ram_or_device(check, check->model->ecam, is_ecam);

	if (has_pci(check) && other != NULL)
		fault(check, check->model->ecam_at,
			say(check, "the configuration space %s overlaps %s",
				say_range(check, check->model->ecam), other),
			"take its address from the board's MCFG table");
}

static void bridge_type(struct check *check)
{
	for (size_t i = 0; i < check->model->bridges_count; i++) {
		const struct model_bridge *bridge = &check->model->bridges[i];

		if (bridge->type == 0)
			fault(check, place(check, bridge->at, "type"),
				say(check, "%s is of no type that isolation is known for",
					bridge->name),
				"write \"root-port\", \"switch-port\" or \"pci\"");
	}
}

static void bad_bus(struct check *check, const struct model_bridge *bridge, const char *why)
{
	fault(check, place(check, bridge->at, "bus"),
		say(check, "the bus below %s is %u, %s", bridge->name, bridge->bus, why),
		"write its secondary bus number: byte 0x19 of its configuration space");
}

static void bridge_bus(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->bridges_count; i++) {
		const struct model_bridge *bridge = &model->bridges[i];

		if (bridge->bus <= bridge->bdf >> 8)
			bad_bus(check, bridge, "not above the one it is on");
		else if (bridge->bus >= model->ecam.bytes / BUS_BYTES)
			bad_bus(check, bridge, "outside the configuration space");
		for (size_t k = 0; k < i; k++)
			if (model->bridges[k].bus == bridge->bus)
				bad_bus(check, bridge,
					say(check, "as below %s (line %u)", model->bridges[k].name,
						model->bridges[k].at.line));
	}
}

/* Bridges and functions alike. */
struct slot {
	struct location at;
	const char *name;
	uint16_t bdf;
	int bridge; /* that it is below, or -1 */
};

static size_t slots_count(const struct model *model)
{
	return model->bridges_count + model->functions_count;
}

static struct slot slot_of(const struct model *model, size_t index)
{
	const struct model_function *function;

	if (index < model->bridges_count) {
		const struct model_bridge *bridge = &model->bridges[index];

		return (struct slot){ bridge->at, bridge->name, bridge->bdf, bridge->parent };
	}
	function = &model->functions[index - model->bridges_count];
	return (struct slot){ function->at, function->name, function->bdf, function->bridge };
}

static void bdf_range(struct check *check)
{
	const uint64_t buses = check->model->ecam.bytes / BUS_BYTES;

	for (size_t i = 0; i < slots_count(check->model); i++) {
		const struct slot slot = slot_of(check->model, i);
		const struct source_property *reg = source_property(node_at(check, slot.at), "reg");

		if (source_cells(reg) != 1 || source_cell(reg, 0) >> 8 < buses)
			continue;
		fault(check, reg->at,
			say(check,
				"%s has the number 0x%" PRIx32
				"; the configuration space holds %" PRIu64 " buses",
				slot.name, source_cell(reg, 0), buses),
			"write reg = <PCI(bus, device, function)>");
	}
}

static const struct model_bridge *bridge_to(const struct model *model, unsigned bus)
{
	for (size_t i = 0; i < model->bridges_count; i++)
		if (model->bridges[i].bus == bus)
			return &model->bridges[i];
	return NULL;
}

static void bdf_bus(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < slots_count(model); i++) {
		const struct slot slot = slot_of(model, i);
		const struct model_bridge *real = bridge_to(model, slot.bdf >> 8);
		const struct model_bridge *said =
			slot.bridge < 0 ? NULL : &model->bridges[slot.bridge];

		if (said != NULL && said->bus != slot.bdf >> 8)
			fault(check, reg_at(check, slot.at),
				say(check,
					"%s is on bus %u, but described below %s, whose bus is "
					"%u",
					slot.name, slot.bdf >> 8, said->name, said->bus),
				"move the node, or correct its `reg` or the bridge's `bus`");
		else if (said == NULL && real != NULL)
			fault(check, reg_at(check, slot.at),
				say(check, "%s is on bus %u, which is below %s (line %u)",
					slot.name, slot.bdf >> 8, real->name, real->at.line),
				say(check, "move the node into `%s`, or correct its `reg`",
					real->name));
	}
}

static void bdf_twice(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < slots_count(model); i++)
		for (size_t k = 0; k < i; k++) {
			const struct slot slot = slot_of(model, i), other = slot_of(model, k);

			if (slot.bdf == other.bdf)
				fault(check, reg_at(check, slot.at),
					say(check, "%s has the number %s, as has %s (line %u)",
						slot.name, say_bdf(check, slot.bdf), other.name,
						other.at.line),
					"describe every function once, with its own number");
		}
}

const struct rule rules_pci[] = {
	{ "iommu-kind", "An IOMMU is of Intel's or of AMD's kind.", TIER_MEANING, iommu_kind },
	{ "iommu-bits", "An IOMMU translates as many bits as its kind can.", TIER_MEANING,
		iommu_bits },
	{ "iommu-alike", "The IOMMUs of a board are of one kind and translate as many bits.",
		TIER_MEANING, iommu_alike },
	{ "iommu-page", "The registers of an IOMMU are whole pages, as many as its kind has.",
		TIER_MEANING, iommu_page },
	{ "iommu-overlap", "The registers of an IOMMU share no address with anything else.",
		TIER_MEANING, iommu_overlap },
	{ "ecam-buses", "The configuration space holds whole buses, 256 at most.", TIER_MEANING,
		ecam_buses },
	{ "ecam-overlap", "The configuration space overlaps no memory and no other device.",
		TIER_MEANING, ecam_overlap },
	{ "bridge-type", "A bridge is a root port, a switch port or leads to conventional PCI.",
		TIER_MEANING, bridge_type },
	{ "bridge-bus", "The bus below a bridge is its own, above the bridge's, and configurable.",
		TIER_MEANING, bridge_bus },
	{ "bdf-range", "A PCI function's number lies in the configuration space.", TIER_MEANING,
		bdf_range },
	{ "bdf-bus", "A PCI function is described below the bridge that leads to its bus.",
		TIER_MEANING, bdf_bus },
	{ "bdf-twice", "Two PCI functions never have the same number.", TIER_MEANING, bdf_twice },
	{ NULL, NULL, TIER_COUNT, NULL },
};
