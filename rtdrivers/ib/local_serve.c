/*
 * The end of a local link that serves what the other one posted, and the life of both. See local.h.
 *
 * Invariant: a request is copied before it is judged, and nothing of the other end's memory is read twice
 * to decide; the answer is written before the counter that says so.
 */
#include <ib/local_state.h>

/* Go on later; LOCAL_GOES_ON is no completion's status. */
#define LOCAL_GOES_ON (IBV_WC_GENERAL_ERR + 1)
#define LOCAL_WAITS   (IBV_WC_GENERAL_ERR + 2)

static void answer(struct ibv_local_link *const link, const uint64_t status, const uint64_t result)
{
	struct ibv_local_answer *const at = &link->mine->answers[link->taken % IBV_LOCAL_SLOTS];

	at->status = status;
	at->result = result;
	link->serving = false;
	link->taken++;
	__atomic_store_n(&link->mine->taken, link->taken, __ATOMIC_RELEASE);
}

/* The other end's bytes from `offset` of the message on, as many as lie together; NULL: nowhere. */
static const uint8_t *source(
	const struct ibv_local_link *const link, uint32_t offset, uint32_t *const together)
{
	const struct ibv_local_slot *const slot = &link->slot;

	if (slot->pieces == 0) {
		*together = IBV_INLINE_MOST - offset;
		return slot->bytes <= IBV_INLINE_MOST ? slot->data + offset : NULL;
	}
	for (unsigned i = 0; i < slot->pieces && i < IBV_SGE_MOST; i++) {
		const struct ibv_local_piece *const piece = &slot->piece[i];

		if (offset < piece->bytes) {
			*together = piece->bytes - offset;
			return (uint64_t)piece->offset + piece->bytes <= link->seen_bytes
				       ? link->seen + piece->offset + offset
				       : NULL;
		}
		offset -= piece->bytes;
	}
	return NULL;
}

static uint32_t least(const uint32_t a, const uint32_t b)
{
	return a < b ? a : b;
}

static uint64_t store(
	struct ibv_local_link *const link, const uint8_t *const from, const uint32_t bytes)
{
	const struct ibv_qp *const qp = link->qp;
	const struct ibv_recv_entry *const entry = recv_entry(qp, qp->responder.head);
	uint8_t *to;

	if (link->slot.opcode >= IBV_WR_SEND)
		return sges_scatter(qp->pd, entry->sge, entry->sges, link->served, from, bytes)
			       ? LOCAL_GOES_ON
			       : IBV_WC_REM_OP_ERR;
	to = mr_reach(qp->pd, link->slot.rkey, link->slot.remote_addr + link->served, bytes,
		IBV_ACCESS_REMOTE_WRITE);
	if (to == NULL)
		return IBV_WC_REM_ACCESS_ERR;
	copy_bytes(to, from, bytes);
	return LOCAL_GOES_ON;
}

static bool uses_entry(const uint8_t opcode)
{
	return opcode != IBV_WR_RDMA_WRITE;
}

static void receive(struct ibv_local_link *const link)
{
	struct ibv_wc *wc;

	if (!uses_entry(link->slot.opcode))
		return;
	wc = recv_complete(link->qp, IBV_WC_SUCCESS, link->slot.bytes);
	if (link->slot.opcode == IBV_WR_RDMA_WRITE_WITH_IMM)
		wc->opcode = IBV_WC_RECV_RDMA_WITH_IMM;
	if (link->slot.opcode == IBV_WR_SEND)
		return;
	wc->imm_data = link->slot.imm_data;
	wc->wc_flags = IBV_WC_WITH_IMM;
}

/* A step of a SEND or WRITE. */
static uint64_t push(struct ibv_local_link *const link)
{
	const uint32_t left = link->slot.bytes - link->served;
	uint32_t together, bytes;
	const uint8_t *from;
	uint64_t status;

	if (left != 0) {
		from = source(link, link->served, &together);
		if (from == NULL)
			return IBV_WC_REM_INV_REQ_ERR;
		bytes = least(least(left, together), LOCAL_STEP_BYTES);
		status = store(link, from, bytes);
		if (status != LOCAL_GOES_ON)
			return status;
		link->served += bytes;
	}
	if (link->served != link->slot.bytes)
		return LOCAL_GOES_ON;
	receive(link);
	return IBV_WC_SUCCESS;
}

/* Before the first step of a SEND or WRITE. */
static uint64_t judge_push(struct ibv_local_link *const link)
{
	const struct ibv_qp *const qp = link->qp;
	const struct ibv_local_slot *const slot = &link->slot;
	const bool sends = slot->opcode >= IBV_WR_SEND;

	if (slot->bytes > IBV_MESSAGE_BYTES)
		return IBV_WC_REM_INV_REQ_ERR;
	if (!sends && !(qp->attr.qp_access_flags & IBV_ACCESS_REMOTE_WRITE))
		return IBV_WC_REM_ACCESS_ERR;
	if (!sends && slot->bytes != 0 &&
		mr_reach(qp->pd, slot->rkey, slot->remote_addr, slot->bytes,
			IBV_ACCESS_REMOTE_WRITE) == NULL)
		return IBV_WC_REM_ACCESS_ERR;
	if (uses_entry(slot->opcode) && qp->responder.head == qp->responder.tail)
		return LOCAL_WAITS;
	if (sends && slot->bytes > recv_entry(qp, qp->responder.head)->bytes)
		return IBV_WC_REM_INV_REQ_ERR;
	return LOCAL_GOES_ON;
}

/* The other end fetches it: it is told where, if that is where it can see it. */
static uint64_t serve_read(const struct ibv_local_link *const link, uint64_t *const result)
{
	const struct ibv_qp *const qp = link->qp;
	const struct ibv_local_slot *const slot = &link->slot;
	const uint8_t *const at = mr_reach(
		qp->pd, slot->rkey, slot->remote_addr, slot->bytes, IBV_ACCESS_REMOTE_READ);
	const uint64_t offset = (uintptr_t)at - (uintptr_t)link->exported;

	*result = 0;
	if (!(qp->attr.qp_access_flags & IBV_ACCESS_REMOTE_READ))
		return IBV_WC_REM_ACCESS_ERR;
	if (slot->bytes == 0)
		return IBV_WC_SUCCESS;
	if (at == NULL || offset > link->exported_bytes ||
		slot->bytes > link->exported_bytes - offset)
		return IBV_WC_REM_ACCESS_ERR;
	*result = offset;
	return IBV_WC_SUCCESS;
}

static uint64_t serve_atomic(const struct ibv_local_link *const link, uint64_t *const result)
{
	const struct ibv_qp *const qp = link->qp;
	const struct ibv_local_slot *const slot = &link->slot;
	uint64_t *const word = (uint64_t *)(void *)mr_reach(
		qp->pd, slot->rkey, slot->remote_addr, ATOMIC_BYTES, IBV_ACCESS_REMOTE_ATOMIC);

	*result = slot->compare_add;
	if (!(qp->attr.qp_access_flags & IBV_ACCESS_REMOTE_ATOMIC) || word == NULL)
		return IBV_WC_REM_ACCESS_ERR;
	if (slot->remote_addr % ATOMIC_BYTES != 0)
		return IBV_WC_REM_INV_REQ_ERR;
	if (slot->opcode == IBV_WR_ATOMIC_FETCH_AND_ADD)
		*result = __atomic_fetch_add(word, slot->compare_add, __ATOMIC_SEQ_CST);
	else
		__atomic_compare_exchange_n(
			word, result, slot->swap, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return IBV_WC_SUCCESS;
}

static uint64_t step(struct ibv_local_link *const link, uint64_t *const result)
{
	const uint8_t opcode = link->slot.opcode;
	uint64_t status = LOCAL_GOES_ON;

	if (opcode >= IBV_WR_OPCODES)
		return IBV_WC_REM_INV_REQ_ERR;
	if (opcode == IBV_WR_RDMA_READ)
		return serve_read(link, result);
	if (opcode > IBV_WR_RDMA_READ)
		return serve_atomic(link, result);
	if (link->served == 0)
		status = judge_push(link);
	return status == LOCAL_GOES_ON ? push(link) : status;
}

/* The receiver's own fault shows in the entry that was being filled. */
static void fail(struct ibv_local_link *const link, const uint64_t status)
{
	struct ibv_qp *const qp = link->qp;

	if (link->slot.opcode >= IBV_WR_SEND && link->slot.opcode < IBV_WR_RDMA_READ &&
		qp->responder.head != qp->responder.tail)
		recv_complete(qp,
			status == IBV_WC_REM_OP_ERR ? IBV_WC_LOC_PROT_ERR : IBV_WC_LOC_LEN_ERR, 0);
	qp->doom = IBV_WC_WR_FLUSH_ERR;
	answer(link, status, 0);
}

static void begin(struct ibv_local_link *const link)
{
	link->slot = link->theirs->slots[link->taken % IBV_LOCAL_SLOTS];
	link->served = 0;
	link->serving = true;
}

bool local_serve(struct ibv_local_link *const link)
{
	const uint64_t posted = __atomic_load_n(&link->theirs->posted, __ATOMIC_ACQUIRE);
	uint64_t result = 0, status;

	if (posted == link->taken)
		return false;
	if (posted - link->taken > IBV_LOCAL_SLOTS) {
		link->qp->doom = IBV_WC_WR_FLUSH_ERR;
		return false;
	}
	if (!link->serving)
		begin(link);
	status = step(link, &result);
	if (status == LOCAL_WAITS)
		return false;
	if (status == IBV_WC_SUCCESS)
		answer(link, status, result);
	else if (status != LOCAL_GOES_ON)
		fail(link, status);
	return true;
}

/* ---- Two lives ---- */

/* Both know which life of the other they speak with: they have met. */
static bool meet(struct ibv_local_link *const link)
{
	const uint64_t life = __atomic_load_n(&link->theirs->life, __ATOMIC_ACQUIRE);

	__atomic_store_n(&link->mine->peer_life, life, __ATOMIC_RELEASE);
	if (life == 0 ||
		__atomic_load_n(&link->theirs->peer_life, __ATOMIC_ACQUIRE) != link->mine->life)
		return false;
	link->peer_life = life;
	return true;
}

/* Requests wait, and the other end has not polled for so long: it is gone. */
static void watch(struct ibv_local_link *const link, const uint64_t now_ticks)
{
	struct ibv_qp *const qp = link->qp;
	const uint64_t polled = __atomic_load_n(&link->theirs->polled, __ATOMIC_RELAXED);

	if (qp->requester.head == qp->requester.tail || polled != link->polled)
		link->deadline = IBV_NEVER;
	else if (link->deadline == IBV_NEVER)
		link->deadline = now_ticks + qp->timeout_ticks * (qp->attr.retry_cnt + 1u);
	else if (link->deadline <= now_ticks)
		qp->doom = IBV_WC_RETRY_EXC_ERR;
	link->polled = polled;
}

static bool work_once(struct ibv_local_link *const link)
{
	const struct ibv_qp *const qp = link->qp;
	const bool took = qp->state == IBV_QPS_RTS && local_take(link);

	if (qp->doom != IBV_WC_SUCCESS)
		return false;
	return local_serve(link) || took;
}

/* What a step found to be the queue pair's end: the oldest request's status, if it is one's. */
static void end(struct ibv_local_link *const link)
{
	const enum ibv_wc_status status = link->qp->doom;

	if (status == IBV_WC_WR_FLUSH_ERR || link->qp->requester.head == link->qp->requester.tail)
		qp_fail(link->qp);
	else
		send_fail(link->qp, status);
}

static bool work(struct ibv_local_link *const link)
{
	unsigned steps = 0;

	while (steps < LOCAL_STEPS && work_once(link))
		steps++;
	return steps != 0;
}

bool ibv_local_poll(struct ibv_local_link *const link, const uint64_t now_ticks)
{
	struct ibv_local_area *const mine = link->mine;
	bool did = false;

	if (link->qp->state != IBV_QPS_RTR && link->qp->state != IBV_QPS_RTS)
		return false;
	__atomic_store_n(&mine->polled, mine->polled + 1, __ATOMIC_RELAXED);
	if (link->peer_life == 0 && !meet(link))
		return false;
	if (__atomic_load_n(&link->theirs->life, __ATOMIC_ACQUIRE) != link->peer_life) {
		link->qp->doom = IBV_WC_RETRY_EXC_ERR;
	} else {
		did = work(link);
		watch(link, now_ticks);
	}
	if (link->qp->doom != IBV_WC_SUCCESS)
		end(link);
	return did;
}
