#include "check.h"
const struct rule rules_board[] = { { NULL, NULL, TIER_COUNT, NULL } };
