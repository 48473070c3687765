/*
 * Prints system.c of the sample model, for tests to be compiled with. emit_sample [vt-d | amd-vi]:
 * with PCI functions behind such an IOMMU.
 */
#include <stdio.h>
#include <string.h>

#include "emit.h"
#include "sample_devices.h"
#include "sample_model.h"

int main(int count, char **arguments)
{
	struct model *model = sample_model();
	struct finding wrong;
	struct plan plan;

	if (count > 1)
		sample_devices(
			model, strcmp(arguments[1], "vt-d") ? X86_IOMMU_AMDVI : X86_IOMMU_VTD);
	if (!plan_build(model, false, &plan, &wrong)) {
		fprintf(stderr, "emit_sample: %s: %s\n", wrong.rule, wrong.sentence);
		return 1;
	}
	emit_system(stdout, &plan);
	plan_free(&plan);
	sample_model_free(model);
	return 0;
}
