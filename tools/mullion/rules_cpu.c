#include "check.h"
const struct rule rules_cpu[] = { { NULL, NULL, TIER_COUNT, NULL } };
