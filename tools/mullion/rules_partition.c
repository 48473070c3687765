#include "check.h"
const struct rule rules_partition[] = { { NULL, NULL, TIER_COUNT, NULL } };
