/*
 * SHA-256 of an image's segments, as they lie in memory before the first instruction.
 */
#include "audit.h"

#include <nettle/sha2.h>

#include "allocate.h"

const char *audit_hash(const struct audit_segment *segment)
{
	static const uint8_t zeros[AUDIT_PAGE];
	uint64_t rest = segment->bytes - segment->file_bytes;
	uint8_t digest[SHA256_DIGEST_SIZE];
	char text[2 * SHA256_DIGEST_SIZE + 1];
	struct sha256_ctx context;
	size_t i;

	if (segment->bytes > AUDIT_LARGEST_SEGMENT)
		return "too large for a hash";
	sha256_init(&context);
	sha256_update(&context, segment->file_bytes, segment->data);
	for (; rest; rest -= rest < AUDIT_PAGE ? rest : AUDIT_PAGE)
		sha256_update(&context, rest < AUDIT_PAGE ? rest : AUDIT_PAGE, zeros);
	sha256_digest(&context, sizeof(digest), digest);
	for (i = 0; i < sizeof(digest); i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return format("%s", text);
}
