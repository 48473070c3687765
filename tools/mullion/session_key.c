/*
 * Requests as lines, and their authentication: HMAC-SHA256 (RFC 2104, FIPS 180-4) over the node's
 * nonce and the line as it would be without its mac.
 */
#include <errno.h>
#include <nettle/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "session.h"

static bool refuse(const char *path, const char *why)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_name, path, why);
	return false;
}

bool session_from_hex(const char *text, uint8_t *bytes, size_t count)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	size_t i;

	if (strspn(text, digits) != 2 * count || strlen(text) != 2 * count)
		return false;
	for (i = 0; i < count; i++) {
		const char pair[3] = { text[2 * i], text[2 * i + 1], '\0' };

		bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return true;
}

static bool read_private(FILE *file, const char *path, char text[2 * SESSION_KEY_BYTES + 16])
{
	struct stat status;
	char why[96];
	size_t count;

	if (fstat(fileno(file), &status))
		return refuse(path, strerror(errno));
	if (status.st_mode & 077) {
		(void)snprintf(why, sizeof(why),
			"others may read this key (mode %04o): chmod 600 it",
			(unsigned)status.st_mode & 07777u);
		return refuse(path, why);
	}
	count = fread(text, 1, 2 * SESSION_KEY_BYTES + 15, file);
	text[count] = '\0';
	text[strcspn(text, " \t\r\n")] = '\0';
	return true;
}

bool session_read_key(const char *path, uint8_t key[SESSION_KEY_BYTES])
{
	FILE *file = fopen(path, "re");
	char text[2 * SESSION_KEY_BYTES + 16];
	bool good;

	if (!file)
		return refuse(path, strerror(errno));
	good = read_private(file, path, text);
	if (good && !session_from_hex(text, key, SESSION_KEY_BYTES))
		good = refuse(path, "it is not a key: 64 hexadecimal digits, as after key= in the "
				    "args of the control partition");
	fclose(file);
	explicit_bzero(text, sizeof(text));
	return good;
}

/* Later than every number before it, also of other programs that use the same clock. */
static int64_t next_seq(int64_t last)
{
	struct timespec now;
	int64_t micros;

	clock_gettime(CLOCK_REALTIME, &now);
	micros = now.tv_sec * 1000000 + now.tv_nsec / 1000;
	return micros > last ? micros : last + 1;
}

static char *sign(const struct session *session, char *line)
{
	struct hmac_sha256_ctx context;
	uint8_t digest[SHA256_DIGEST_SIZE];
	char hex[2 * SHA256_DIGEST_SIZE + 1], *longer;
	size_t i;

	hmac_sha256_set_key(&context, SESSION_KEY_BYTES, session->key);
	hmac_sha256_update(&context, SESSION_NONCE_BYTES, session->nonce);
	hmac_sha256_update(&context, strlen(line), (const uint8_t *)line);
	hmac_sha256_digest(&context, sizeof(digest), digest);
	explicit_bzero(&context, sizeof(context));
	for (i = 0; i < sizeof(digest); i++)
		sprintf(hex + 2 * i, "%02x", digest[i]);
	line[strlen(line) - 1] = '\0';
	if (asprintf(&longer, "%s,\"mac\":\"%s\"}", line, hex) < 0)
		abort(); /* out of memory */
	free(line);
	return longer;
}

char *session_line(struct session *session, const char *command, const json_t *arguments)
{
	json_t *request = json_pack("{s:i, s:i}", "v", SESSION_PROTOCOL, "id", session->id);
	char *line;

	if (session->signs) {
		session->seq = next_seq(session->seq);
		json_object_set_new(request, "seq", json_integer(session->seq));
	}
	json_object_set_new(request, "cmd", json_string(command));
	if (arguments)
		json_object_update(request, (json_t *)(uintptr_t)arguments);
	line = json_dumps(request, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(request);
	if (!line)
		abort(); /* out of memory */
	return session->signs ? sign(session, line) : line;
}
