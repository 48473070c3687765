#include "check.h"
const struct rule rules_shape[] = { { NULL, NULL, TIER_COUNT, NULL } };
