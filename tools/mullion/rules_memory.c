#include "check.h"
const struct rule rules_memory[] = { { NULL, NULL, TIER_COUNT, NULL } };
