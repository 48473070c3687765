/*
 * Prints system.c of the sample model, for test_emit to be compiled with.
 */
#include <stdio.h>

#include "emit.h"
#include "sample_model.h"

int main(void)
{
	struct model *model = sample_model();
	struct finding wrong;
	struct plan plan;

	if (!plan_build(model, false, &plan, &wrong)) {
		fprintf(stderr, "emit_sample: %s: %s\n", wrong.rule, wrong.sentence);
		return 1;
	}
	emit_system(stdout, &plan);
	plan_free(&plan);
	sample_model_free(model);
	return 0;
}
