/* store: counts its own starts in the first block of a disk. */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/cpu.h>

#include <nvme/nvme.h>
#include <pci/pci.h>

static struct nvme disk;
static uint64_t block[NVME_PAGE_BYTES / 8] __attribute__((aligned(NVME_PAGE_BYTES)));

static bool start(void)
{
	struct pci_function function;
	struct nvme_setup setup = { 0 };

	if (!pci_find(PCI_ANY, PCI_ANY, PCI_CLASS_NVME, 0, 0, &function))
		return false;
	setup.registers = pci_map_bar(&function, 0, &setup.registers_bytes);
	return setup.registers != NULL && pci_bus_master(&function, true) &&
	       nvme_init(&disk, &setup);
}

/* What came of the one command that is outstanding. */
static bool done(const enum nvme_answer answer)
{
	struct nvme_completion completion = { .status = NVME_STATUS_SUCCESS };
	enum nvme_event event = NVME_NOTHING;

	if (answer != NVME_ACCEPTED)
		return false;
	while (event == NVME_NOTHING) { /* a loop with other work would go on with it here */
		cpu_pause();
		event = nvme_poll(&disk, &completion);
	}
	if (completion.status != NVME_STATUS_SUCCESS)
		printf("disk: %s\n", nvme_status_text(completion.status));
	return event == NVME_COMPLETED && completion.status == NVME_STATUS_SUCCESS;
}

int main(void)
{
	bool good = start() && done(nvme_submit_read(&disk, 0, 1, block, 1));

	block[0]++;
	good = good && done(nvme_submit_write(&disk, 0, 1, block, 2)) &&
	       done(nvme_submit_flush(&disk, 3));
	if (good)
		printf("start %" PRIu64 " since this disk was empty\n", block[0]);
	else
		printf("disk: %s: %s\n", nvme_stage_text(&disk), nvme_problem_text(disk.problem));
	return good ? 0 : 1;
}
