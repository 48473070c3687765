#include "check.h"
const struct rule rules_image[] = { { NULL, NULL, TIER_COUNT, NULL } };
