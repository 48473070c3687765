/*
 * listen: the example of docs/ports.md. Reads the sampling port `pose` each millisecond and says what it
 * got. Argument reads=5: how often.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <mullion/apex.h>
#include <mullion/args.h>
#include <mullion/time.h>

#define PERIOD_NS  1000000ull
#define REFRESH_NS 3000000
#define BYTES      64

int main(void)
{
	const uint64_t reads = args_number("reads", 5);
	APEX_BYTE message[BYTES];
	SAMPLING_PORT_ID_TYPE port;
	MESSAGE_SIZE_TYPE length;
	VALIDITY_TYPE validity;
	RETURN_CODE_TYPE code;
	uint64_t step;

	CREATE_SAMPLING_PORT("pose", BYTES, DESTINATION, REFRESH_NS, &port, &code);
	if (code != NO_ERROR) {
		printf("the channel pose is not as expected: %d\n", code);
		return 1;
	}
	for (uint64_t i = 0; i < reads; i++) {
		time_delay_ns(PERIOD_NS);
		READ_SAMPLING_MESSAGE(port, message, &length, &validity, &code);
		if (code == NO_ACTION) {
			printf("nothing yet\n");
			continue;
		}
		memcpy(&step, message, sizeof(step));
		printf("step %" PRIu64 ", %s\n", step, validity == VALID ? "valid" : "too old");
	}
	return 0;
}
