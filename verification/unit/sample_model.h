/*
 * A deployment built by hand for the back end's unit tests: CPU 0 framed, CPU 1 owned, four
 * partitions, one schedule, a sampling and a queuing channel. Tests change it as they need.
 */
#ifndef SAMPLE_MODEL_H
#define SAMPLE_MODEL_H

#include "model.h"

struct model *sample_model(void);

/* The model and all it owns were allocated in one piece per array; tests run in short processes. */
void sample_model_free(struct model *model);

#endif
