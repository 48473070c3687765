/*
 * TAP output. Invariant: a test that is planned and not run makes the status bad.
 * Specification: Test Anything Protocol 13.
 */
#include <stdarg.h>
#include <stdio.h>

#include <mullion/tap.h>

static unsigned planned, run, failed;

void tap_plan(const unsigned tests)
{
	planned = tests;
	printf("1..%u\n", tests);
	fflush(stdout);
}

void tap_check(const bool good, const char *const name, const char *const detail, ...)
{
	va_list arguments;

	run++;
	printf("%sok %u - %s\n", good ? "" : "not ", run, name);
	if (!good) {
		failed++;
		printf("# ");
		va_start(arguments, detail);
		vprintf(detail, arguments);
		va_end(arguments);
		printf("\n");
	}
	fflush(stdout);
}

void tap_skip(const char *const name, const char *const reason)
{
	run++;
	printf("ok %u - %s # SKIP %s\n", run, name, reason);
	fflush(stdout);
}

int tap_status(void)
{
	return failed == 0 && run == planned ? 0 : 1;
}
