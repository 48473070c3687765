#include "check.h"
const struct rule rules_names[] = { { NULL, NULL, TIER_COUNT, NULL } };
