/*
 * rdma-tools: the tools RDMA users know, on a network card, speaking to their originals.
 *
 * Arguments: at=10.9.0.1/24:1, the own address, whose port means nothing; and a tool with its words, as
 * `rc_pingpong -n 100 10.9.0.2` or `write_lat`. The exit status is that of enum tools_status.
 */
#include <stdio.h>
#include <string.h>

#include <ib/crc.h>

#include <mullion/args.h>
#include <mullion/cpu.h>
#include <mullion/platform.h>
#include <mullion/time.h>

#include <net/card.h>

#include "machine.h"
#include "tools.h"

#define WORDS_MOST 32u
#define BLANKS     " \t\n"

static struct card card;
static char command[BOOT_COMMAND_BYTES];

unsigned card_take(uint8_t frame[const MACHINE_FRAME_BYTES])
{
	return card_receive(&card, frame);
}

void card_give(const uint8_t *const frame, const unsigned bytes)
{
	card_send(&card, frame, bytes);
}

void card_rest(void)
{
}

uint64_t card_now_ns(void)
{
	return time_now_ns();
}

/* The words from the tool's name on: what stands before is a loader's, or has a value. */
static unsigned split(char *words[const WORDS_MOST])
{
	unsigned count = 0;
	char *rest = command;

	strcpy(command, boot.command);
	for (char *word = strtok_r(rest, BLANKS, &rest); word != NULL && count < WORDS_MOST;
		word = strtok_r(NULL, BLANKS, &rest))
		if (count != 0 ? strchr(word, '=') == NULL : options_tool(word) != TOOLS)
			words[count++] = word;
	return count;
}

int main(void)
{
	char text[ENDPOINT_TEXT_BYTES] = "10.9.0.1/24:1", *words[WORDS_MOST];
	struct endpoint at;

	args_text("at", text, sizeof(text));
	if (!tools_parse(words, split(words)))
		return TOOLS_USAGE;
	if (!endpoint_parse(text, &at)) {
		printf("argument at=%s: no address; write it as 10.9.0.1/24:1\n", text);
		return TOOLS_USAGE;
	}
	if (!card_open(&card, 0, 0, 0)) {
		printf("there is no network card, or none that is driven here\n");
		return TOOLS_ERROR;
	}
	ib_crc_fold(true);
	if (!machine_open(&at, card.mac, (uint32_t)tsc_read()))
		return TOOLS_ERROR;
	return (int)tools_run();
}
