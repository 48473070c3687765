#include "check.h"
const struct rule rules_schedule[] = { { NULL, NULL, TIER_COUNT, NULL } };
