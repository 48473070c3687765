#include "check.h"
const struct rule rules_channel[] = { { NULL, NULL, TIER_COUNT, NULL } };
