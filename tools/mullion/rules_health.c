#include "check.h"
const struct rule rules_health[] = { { NULL, NULL, TIER_COUNT, NULL } };
