/*
 * The node the control partition's tests play. The mac is computed by the library's own HMAC: a
 * second opinion on ours.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <nettle/hmac.h>

#include "fake_control.h"

struct fake_call fake_last;
unsigned fake_calls;
int64_t fake_result;
uint64_t fake_now;

struct mullion_node fake_page;
struct mullion_journal fake_journal;
struct mullion_console fake_log, fake_consoles[FAKE_PARTITIONS];
struct mullion_status fake_status[FAKE_PARTITIONS];
struct mullion_trace fake_trace;
uint64_t fake_exchange[MULLION_PEEK_BYTES / 8];

uint64_t fake_memory[FAKE_BLOCKS][MULLION_PEEK_BYTES / 8];

static const char *const names[FAKE_PARTITIONS] = { "control", "nav", "watch" };

/* Registers are what stands in the page. */
static void fake_exchange_block(const bool in, const uint64_t block)
{
	if (block >= FAKE_BLOCKS && block < MULLION_PEEK_VCPU)
		memset(fake_exchange, 0, sizeof(fake_exchange));
	else if (block < FAKE_BLOCKS && in)
		memcpy(fake_memory[block], fake_exchange, MULLION_PEEK_BYTES);
	else if (block < FAKE_BLOCKS)
		memcpy(fake_exchange, fake_memory[block], MULLION_PEEK_BYTES);
}

int64_t node_call(const enum mullion_hypercall number, const uint64_t first, const uint64_t second)
{
	fake_last = (struct fake_call){ number, first, second };
	fake_calls++;
	if (fake_result == MULLION_OK && (number == MULLION_HC_PEEK || number == MULLION_HC_POKE))
		fake_exchange_block(number == MULLION_HC_POKE, second);
	return number == MULLION_HC_VERSION ? MULLION_ABI_VERSION : fake_result;
}

uint64_t node_now(void)
{
	return fake_now;
}

static void fake_node_page(void)
{
	memset(&fake_page, 0, sizeof(fake_page));
	fake_page.epoch_tsc = 1000;
	fake_page.boots = 2;
	fake_page.partitions = FAKE_PARTITIONS;
	fake_page.vcpus = 4;
	fake_page.cpus = 2;
	fake_page.schedules = 2;
	strcpy(fake_page.name, "demo");
	strcpy(fake_page.board, "qemu-q35");
	strcpy(fake_page.schedule_names[0], "normal");
	strcpy(fake_page.schedule_names[1], "degraded");
	for (uint16_t p = 0; p < FAKE_PARTITIONS; p++)
		fake_page.of_partition[p] = (struct mullion_node_partition){
			.memory_bytes = 8u << 20,
			.first_vcpu = (uint16_t)(p < 2 ? p : 3),
			.vcpus = (uint16_t)(p == 1 ? 2 : 1),
		};
	fake_page.cpu_of_vcpu[2] = 1;
	fake_page.mode_of_cpu[0] = 2;
	fake_page.mode_of_cpu[1] = 1;
}

void fake_control(struct control *const control)
{
	memset(control, 0, sizeof(*control));
	memset(&fake_journal, 0, sizeof(fake_journal));
	memset(&fake_log, 0, sizeof(fake_log));
	memset(fake_consoles, 0, sizeof(fake_consoles));
	memset(fake_status, 0, sizeof(fake_status));
	memset(&fake_trace, 0, sizeof(fake_trace));
	memset(fake_exchange, 0, sizeof(fake_exchange));
	memset(fake_memory, 0, sizeof(fake_memory));
	fake_node_page();
	fake_calls = 0;
	fake_now = 123456789;
	fake_result = MULLION_OK;
	control->node = (struct node){
		.page = &fake_page,
		.journal = &fake_journal,
		.log = &fake_log,
		.exchange = fake_exchange,
		.traces = { &fake_trace },
		.partitions_count = FAKE_PARTITIONS,
		.cpus_count = 2,
		.hz_numerator = 1000000000,
		.hz_denominator = 1,
	};
	for (uint16_t p = 0; p < FAKE_PARTITIONS; p++) {
		strcpy(control->node.partitions[p].name, names[p]);
		control->node.partitions[p].status = &fake_status[p];
		control->node.partitions[p].console = &fake_consoles[p];
		fake_status[p].state = MULLION_STATE_RUNNING;
	}
}

void fake_print(struct mullion_console *const ring, const char *text)
{
	for (; *text != '\0'; text++)
		ring->data[ring->head++ % MULLION_CONSOLE_DATA] = (uint8_t)*text;
}

void fake_sign(const struct control *const control, char *const line, const size_t room,
	const uint64_t seq)
{
	struct hmac_sha256_ctx hmac;
	uint8_t mac[SHA256_DIGEST_SIZE];
	size_t used = strlen(line) - 1;

	assert(line[used] == '}');
	used += (size_t)snprintf(
		&line[used], room - used, ",\"seq\":%llu}", (unsigned long long)seq);
	hmac_sha256_set_key(&hmac, AUTH_KEY_BYTES, control->auth.key);
	hmac_sha256_update(&hmac, AUTH_NONCE_BYTES, control->auth.nonce);
	hmac_sha256_update(&hmac, used, (const uint8_t *)line);
	hmac_sha256_digest(&hmac, sizeof(mac), mac);
	used--;
	used += (size_t)snprintf(&line[used], room - used, ",\"mac\":\"");
	for (size_t i = 0; i < sizeof(mac); i++)
		used += (size_t)snprintf(&line[used], room - used, "%02x", mac[i]);
	snprintf(&line[used], room - used, "\"}");
}

static unsigned append(const struct writer *const out, char *const said, const size_t room)
{
	const size_t used = strlen(said);

	if (out->used == 0)
		return 0;
	assert(out->used <= LINE_BYTES && out->text[out->used - 1] == '\n');
	assert(used + out->used < room);
	memcpy(&said[used], out->text, out->used);
	said[used + out->used] = '\0';
	return 1;
}

unsigned fake_talk(struct session *const session, const char *const bytes, const size_t count,
	char *const said, const size_t room)
{
	struct writer out;
	unsigned lines = 0;
	size_t at = 0;

	said[0] = '\0';
	while (at < count || session_busy(session)) {
		if (session_busy(session))
			session_go_on(session, &out);
		else
			at += session_take(session, &bytes[at], (uint32_t)(count - at), &out);
		lines += append(&out, said, room);
	}
	return lines;
}
