/*
 * The end of a local link that posts: slots out, answers in. See local.h.
 *
 * Invariant: counters only grow, and the other end's are believed as far as they lie between what was
 * answered and what was posted. A slot is written before the counter that offers it.
 */
#include <ib/local.h>
#include <ib/local_state.h>

#include <errno.h>

static bool is_area(const void *const area, const uint64_t bytes)
{
	return (uintptr_t)area % _Alignof(struct ibv_local_area) == 0 &&
	       bytes >= sizeof(struct ibv_local_area);
}

int ibv_local_open(struct ibv_local_link *const link, struct ibv_qp *const qp, void *const mine,
	const uint64_t mine_bytes, const void *const theirs, const uint64_t theirs_bytes)
{
	struct ibv_local_area *const area = mine;

	if (qp->qp_type != IBV_QPT_RC || qp->state != IBV_QPS_RESET || !is_area(mine, mine_bytes) ||
		!is_area(theirs, theirs_bytes))
		return EINVAL;
	*link = (struct ibv_local_link){ .qp = qp,
		.mine = area,
		.theirs = theirs,
		.exported = (uint8_t *)mine + sizeof(*area),
		.seen = (const uint8_t *)theirs + sizeof(*area),
		.exported_bytes = mine_bytes - sizeof(*area),
		.seen_bytes = theirs_bytes - sizeof(*area),
		.deadline = IBV_NEVER };
	area->peer_life = 0;
	area->posted = 0;
	area->taken = 0;
	__atomic_store_n(&area->life, area->life + 1, __ATOMIC_RELEASE);
	qp->link = link;
	return 0;
}

static bool is_pushed(const enum ibv_wr_opcode opcode)
{
	return opcode < IBV_WR_RDMA_READ;
}

/* Where an SGE's bytes lie in the exported memory; false: not there, or not this program's. */
static bool export_piece(const struct ibv_local_link *const link, const struct ibv_sge *const sge,
	struct ibv_local_piece *const piece)
{
	const uint8_t *const at = mr_reach(link->qp->pd, sge->lkey, sge->addr, sge->length, 0);
	const uint64_t offset = (uintptr_t)at - (uintptr_t)link->exported;

	if (at == NULL || offset > link->exported_bytes ||
		sge->length > link->exported_bytes - offset || offset > UINT32_MAX)
		return false;
	*piece = (struct ibv_local_piece){ (uint32_t)offset, sge->length };
	return true;
}

static bool export_pieces(const struct ibv_local_link *const link,
	struct ibv_local_slot *const slot, const struct ibv_send_wr *const wr)
{
	for (int i = 0; i < wr->num_sge; i++)
		if (!export_piece(link, &wr->sg_list[i], &slot->piece[i]))
			return false;
	slot->pieces = (uint8_t)wr->num_sge;
	return true;
}

/* IBV_INLINE_MOST bytes at most. With IBV_SEND_INLINE, without looking at keys. */
static bool put_inside(const struct ibv_local_link *const link, struct ibv_local_slot *const slot,
	const struct ibv_send_wr *const wr)
{
	uint8_t *to = slot->data;

	for (int i = 0; i < wr->num_sge; i++) {
		const struct ibv_sge *const sge = &wr->sg_list[i];
		const uint8_t *from = (const uint8_t *)(uintptr_t)sge->addr;

		if (!(wr->send_flags & IBV_SEND_INLINE))
			from = mr_reach(link->qp->pd, sge->lkey, sge->addr, sge->length, 0);
		if (from == NULL)
			return false;
		copy_few(to, from, sge->length);
		to += sge->length;
	}
	slot->pieces = 0;
	return true;
}

static bool put_data(const struct ibv_local_link *const link, struct ibv_local_slot *const slot,
	const struct ibv_send_wr *const wr, const uint32_t bytes)
{
	if (!is_pushed(wr->opcode))
		return true;
	return bytes <= IBV_INLINE_MOST ? put_inside(link, slot, wr)
					: export_pieces(link, slot, wr);
}

static void put_target(struct ibv_local_slot *const slot, const struct ibv_send_wr *const wr)
{
	if (wr->opcode == IBV_WR_SEND || wr->opcode == IBV_WR_SEND_WITH_IMM)
		return;
	slot->remote_addr = wr->wr.rdma.remote_addr;
	slot->rkey = wr->wr.rdma.rkey;
	if (wr->opcode >= IBV_WR_ATOMIC_CMP_AND_SWP) {
		slot->rkey = wr->wr.atomic.rkey;
		slot->compare_add = wr->wr.atomic.compare_add;
		slot->swap = wr->wr.atomic.swap;
	}
}

/* What the completion needs, and where an answer's data goes. */
static void keep(struct ibv_qp *const qp, const struct ibv_send_wr *const wr, const uint32_t bytes)
{
	struct ibv_send_entry *const entry = send_entry(qp, qp->requester.tail++);

	entry->wr_id = wr->wr_id;
	entry->bytes = bytes;
	entry->ah = NULL;
	entry->opcode = (uint8_t)wr->opcode;
	entry->flags = (uint8_t)(wr->send_flags | (qp->signal_all ? IBV_SEND_SIGNALED : 0));
	entry->sges = 0;
	if (!is_pushed(wr->opcode)) {
		entry->sges = (uint8_t)wr->num_sge;
		copy_sges(entry->sge, wr->sg_list, wr->num_sge);
	}
	qp->send_cq->room--;
}

int local_post(struct ibv_qp *const qp, const struct ibv_send_wr *const wr, const uint32_t bytes)
{
	struct ibv_local_link *const link = qp->link;
	struct ibv_local_slot *const slot = &link->mine->slots[link->posted % IBV_LOCAL_SLOTS];
	const uint32_t outstanding = qp->requester.tail - qp->requester.head;

	if (outstanding >= IBV_LOCAL_SLOTS || outstanding >= qp->context->pools.send_depth ||
		qp->send_cq->room == 0)
		return ENOMEM;
	if (!put_data(link, slot, wr, bytes))
		return EINVAL;
	slot->opcode = (uint8_t)wr->opcode;
	slot->bytes = bytes;
	slot->imm_data = wr->imm_data;
	put_target(slot, wr);
	keep(qp, wr, bytes);
	link->posted++;
	__atomic_store_n(&link->mine->posted, link->posted, __ATOMIC_RELEASE);
	return 0;
}

/* ---- Answers ---- */

/* Up to LOCAL_STEP_BYTES of a READ's data; false: the other end or an SGE forbids it. */
static bool fetch_read(struct ibv_local_link *const link, const struct ibv_send_entry *const entry,
	const uint64_t offset)
{
	const uint32_t left = entry->bytes - link->fetched;
	const uint32_t bytes = left < LOCAL_STEP_BYTES ? left : LOCAL_STEP_BYTES;

	if (offset > link->seen_bytes || entry->bytes > link->seen_bytes - offset)
		return false;
	if (!sges_scatter(link->qp->pd, entry->sge, entry->sges, link->fetched,
		    link->seen + offset + link->fetched, bytes))
		return false;
	link->fetched += bytes;
	return true;
}

static bool fetch(struct ibv_local_link *const link, const struct ibv_send_entry *const entry,
	const uint64_t result)
{
	if (entry->opcode < IBV_WR_RDMA_READ)
		return true;
	if (entry->opcode == IBV_WR_RDMA_READ)
		return entry->bytes == 0 || fetch_read(link, entry, result);
	link->fetched = entry->bytes;
	return sges_scatter(
		link->qp->pd, entry->sge, entry->sges, 0, (const uint8_t *)&result, ATOMIC_BYTES);
}

/* When this step is over. */
static void end_with(struct ibv_local_link *const link, const uint64_t status)
{
	link->qp->doom =
		status <= IBV_WC_GENERAL_ERR ? (enum ibv_wc_status)status : IBV_WC_BAD_RESP_ERR;
}

/* The oldest request, as far as it goes at once. */
static void take_answer(struct ibv_local_link *const link)
{
	const struct ibv_local_answer *const answer =
		&link->theirs->answers[link->completed % IBV_LOCAL_SLOTS];
	const struct ibv_send_entry *const entry = send_entry(link->qp, link->qp->requester.head);
	const uint64_t status = __atomic_load_n(&answer->status, __ATOMIC_RELAXED);
	const uint64_t result = __atomic_load_n(&answer->result, __ATOMIC_RELAXED);

	if (status != IBV_WC_SUCCESS) {
		end_with(link, status);
		return;
	}
	if (!fetch(link, entry, result)) {
		end_with(link, IBV_WC_LOC_PROT_ERR);
		return;
	}
	if (entry->opcode >= IBV_WR_RDMA_READ && link->fetched != entry->bytes)
		return;
	link->fetched = 0;
	link->completed++;
	send_complete(link->qp, IBV_WC_SUCCESS);
}

bool local_take(struct ibv_local_link *const link)
{
	const uint64_t taken = __atomic_load_n(&link->theirs->taken, __ATOMIC_ACQUIRE);

	if (taken == link->completed)
		return false;
	if (taken - link->completed > link->posted - link->completed)
		end_with(link, IBV_WC_BAD_RESP_ERR);
	else
		take_answer(link);
	return true;
}
