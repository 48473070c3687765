/*
 * Memory regions: which memory a key stands for. Invariant: a key is given out once in 2^24 times its
 * entry is used, so one that ended does not reach what came after it. Specification: IBTA 1.4, 10.6.
 */
#include <ib/state.h>

#include <errno.h>

#define ACCESS_ALL                                                                                 \
	(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |               \
		IBV_ACCESS_REMOTE_ATOMIC)
#define ACCESS_CHANGES (IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_ATOMIC)

/* Who may change it from afar may do so from here. 10.6.3.1. */
static bool is_access(const int access)
{
	return (access & ~ACCESS_ALL) == 0 &&
	       ((access & ACCESS_CHANGES) == 0 || (access & IBV_ACCESS_LOCAL_WRITE) != 0);
}

static bool is_range(const void *const addr, const uint64_t length, const uint64_t iova)
{
	const uint64_t first = (uint64_t)(uintptr_t)addr;

	return length != 0 && first + length >= first && iova + length >= iova &&
	       (first - iova) % ATOMIC_BYTES == 0;
}

struct ibv_mr *ibv_reg_mr_iova(struct ibv_pd *const pd, void *const addr, const size_t length,
	const uint64_t iova, const int access)
{
	const struct ibv_pools *const pools = &pd->context->pools;

	if (!is_access(access) || !is_range(addr, length, iova))
		return NULL;
	for (unsigned i = 0; i < pools->mr_count; i++) {
		struct ibv_mr *const mr = &pools->mrs[i];
		const uint32_t key = mr->lkey + KEY_INDEX_MASK + 1;

		if (mr->pd == NULL) {
			*mr = (struct ibv_mr){ pd->context, pd, addr, length, iova, key, key,
				access };
			pd->users++;
			return mr;
		}
	}
	return NULL;
}

struct ibv_mr *ibv_reg_mr(
	struct ibv_pd *const pd, void *const addr, const size_t length, const int access)
{
	return ibv_reg_mr_iova(pd, addr, length, (uint64_t)(uintptr_t)addr, access);
}

int ibv_dereg_mr(struct ibv_mr *const mr)
{
	mr->pd->users--;
	mr->pd = NULL;
	return 0;
}

bool sges_scatter(const struct ibv_pd *const pd, const struct ibv_sge *const sges,
	const unsigned count, uint32_t offset, const uint8_t *from, uint32_t bytes)
{
	for (unsigned i = 0; i < count && bytes != 0; i++) {
		const struct ibv_sge *const sge = &sges[i];
		const uint32_t skipped = offset < sge->length ? offset : sge->length;
		const uint32_t room = sge->length - skipped;
		const uint32_t now = bytes < room ? bytes : room;

		offset -= skipped;
		if (now != 0) {
			uint8_t *const to = mr_reach(
				pd, sge->lkey, sge->addr + skipped, now, IBV_ACCESS_LOCAL_WRITE);

			if (to == NULL)
				return false;
			copy_bytes(to, from, now);
			from += now;
			bytes -= now;
		}
	}
	return bytes == 0;
}

bool sges_gather(const struct ibv_pd *const pd, const struct ibv_sge *const sges,
	const unsigned count, uint32_t offset, uint32_t bytes,
	struct ibv_departure *const departure)
{
	unsigned pieces = 0;

	for (unsigned i = 0; i < count && bytes != 0; i++) {
		const struct ibv_sge *const sge = &sges[i];
		const uint32_t skipped = offset < sge->length ? offset : sge->length;
		const uint32_t there = sge->length - skipped;
		const uint32_t now = bytes < there ? bytes : there;

		offset -= skipped;
		if (now != 0) {
			departure->piece[pieces].from =
				mr_reach(pd, sge->lkey, sge->addr + skipped, now, 0);
			departure->piece[pieces].bytes = now;
			if (departure->piece[pieces++].from == NULL)
				return false;
			bytes -= now;
		}
	}
	departure->pieces = pieces;
	return bytes == 0;
}

void ibv_gather(const struct ibv_departure *const departure, uint8_t *payload)
{
	if (departure->pieces == 1 && departure->piece[0].bytes <= COPY_BLOCK_BYTES) {
		copy_few(payload, departure->piece[0].from, departure->piece[0].bytes);
		return;
	}
	for (unsigned i = 0; i < departure->pieces; i++) {
		copy_bytes(payload, departure->piece[i].from, departure->piece[i].bytes);
		payload += departure->piece[i].bytes;
	}
}
