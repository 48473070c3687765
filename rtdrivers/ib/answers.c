/*
 * The requester's way in: acknowledgements, NAKs, responses, and the time when none came.
 *
 * Invariant: what is acknowledged was sent, requests are over in their order, and a READ or atomic is over
 * only when its data has come. Going back costs a retry unless something new was acknowledged since;
 * when none is left, the queue pair fails: nothing is sent for ever.
 * Specification: IBTA 1.4, 9.7.5, 9.7.6, 9.9.
 */
#include <ib/state.h>

#define RNR_FOR_EVER 7u

/* Units of 10 us of the RNR timer's codes. Table 45. */
static const uint32_t rnr_tens[IB_AETH_VALUE + 1] = { 65536, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48,
	64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288,
	16384, 24576, 32768, 49152 };
#define TEN_US_NS 10000u

static const enum ibv_wc_status nak_status[] = {
	[IB_NAK_SEQUENCE] = IBV_WC_RETRY_EXC_ERR,
	[IB_NAK_INVALID_REQUEST] = IBV_WC_REM_INV_REQ_ERR,
	[IB_NAK_REMOTE_ACCESS] = IBV_WC_REM_ACCESS_ERR,
	[IB_NAK_REMOTE_OPERATION] = IBV_WC_REM_OP_ERR,
	[IB_NAK_INVALID_RD_REQUEST] = IBV_WC_REM_INV_RD_REQ_ERR,
};

static void go_back(struct ibv_qp *const qp)
{
	struct ibv_requester *const r = &qp->requester;

	r->next = r->head;
	r->send_psn = r->una_psn;
	r->reads = 0;
	r->silent = 0;
	r->resent = true;
	r->deadline = IBV_NEVER;
	qp->retransmitted++;
	qp_wake(qp);
}

static void retry(struct ibv_qp *const qp)
{
	if (qp->requester.retries == 0) {
		qp_doom(qp, IBV_WC_RETRY_EXC_ERR);
		return;
	}
	qp->requester.retries--;
	go_back(qp);
}

/* Something is missing before what came. Once until anything new comes; then the timer decides. */
static void gap(struct ibv_qp *const qp)
{
	if (!qp->requester.resent && qp->requester.resume == IBV_NEVER)
		retry(qp);
}

/* Up to `una` all is well: what was sent again needlessly is not sent a third time. */
static void progress(struct ibv_qp *const qp, const uint32_t una, const uint64_t now_ticks)
{
	struct ibv_requester *const r = &qp->requester;

	r->una_psn = una;
	r->retries = qp->attr.retry_cnt;
	r->rnr_retries = qp->attr.rnr_retry;
	r->resent = false;
	if (psn_ahead(una, r->send_psn) > 0)
		r->send_psn = una;
	if ((int32_t)(r->next - r->head) < 0)
		r->next = r->head;
	r->deadline = IBV_NEVER;
	if (una != r->most_psn && r->resume == IBV_NEVER) {
		r->deadline = now_ticks + qp->timeout_ticks;
		note_timer(qp->context, r->deadline);
	}
	qp_wake(qp);
}

/* Those before `until` were received, as far as no data is awaited. True: all of them. */
static bool advance(struct ibv_qp *const qp, const uint32_t until, const uint64_t now_ticks)
{
	struct ibv_requester *const r = &qp->requester;
	uint32_t una = r->una_psn;

	while (psn_ahead(until, una) > 0 && !is_read(send_entry(qp, r->head))) {
		const struct ibv_send_entry *const entry = send_entry(qp, r->head);
		const uint32_t end = psn_add(entry->first_psn, entry->packets);

		una = psn_ahead(until, end) < 0 ? until : end;
		if (una == end)
			send_complete(qp, IBV_WC_SUCCESS);
	}
	if (una != r->una_psn)
		progress(qp, una, now_ticks);
	return psn_ahead(until, una) <= 0;
}

static void take_rnr(struct ibv_qp *const qp, const uint8_t code, const uint64_t now_ticks)
{
	struct ibv_requester *const r = &qp->requester;
	const uint64_t ns = (uint64_t)rnr_tens[code] * TEN_US_NS;

	if (r->resume != IBV_NEVER)
		return;
	if (r->rnr_retries == 0) {
		send_fail(qp, IBV_WC_RNR_RETRY_EXC_ERR);
		return;
	}
	if (qp->attr.rnr_retry != RNR_FOR_EVER)
		r->rnr_retries--;
	go_back(qp);
	r->resume = now_ticks + rate_ticks_up(&qp->context->rate, ns);
	note_timer(qp->context, r->resume);
}

static void take_nak(struct ibv_qp *const qp, const uint8_t code)
{
	if (code == IB_NAK_SEQUENCE)
		gap(qp);
	else if (code <= IB_NAK_INVALID_RD_REQUEST)
		send_fail(qp, nak_status[code]);
	else
		send_fail(qp, IBV_WC_BAD_RESP_ERR);
}

/* A NAK acknowledges what is before it, an ACK itself, too. */
static void take_acknowledge(
	struct ibv_qp *const qp, const struct ib_packet *const packet, const uint64_t now_ticks)
{
	const uint8_t kind = packet->aeth.syndrome & IB_AETH_KIND;
	const uint8_t value = packet->aeth.syndrome & IB_AETH_VALUE;
	const uint32_t until = psn_add(packet->bth.psn, kind == IB_AETH_ACK ? 1 : 0);

	if (!advance(qp, until, now_ticks))
		gap(qp);
	else if (kind == IB_AETH_RNR)
		take_rnr(qp, value, now_ticks);
	else if (kind != IB_AETH_ACK)
		take_nak(qp, value);
}

/* As long as its place in the message asks, and the last where a portion ends. */
static bool is_right_part(const struct ibv_qp *const qp, const struct ibv_send_entry *const entry,
	const struct ib_packet *const packet, const uint32_t index, const unsigned layout)
{
	const uint32_t left = entry->bytes - (index << qp->mtu_shift);
	const bool last = index + 1 == entry->packets || (index + 1) % PORTION_PACKETS == 0;

	if (entry->opcode != IBV_WR_RDMA_READ)
		return (layout & IB_HAS_ATOMIC_ACK) != 0;
	return (layout & IB_IS_READ) != 0 && last == ((layout & IB_IS_LAST) != 0) &&
	       packet->payload_bytes == (left < qp->mtu_bytes ? left : qp->mtu_bytes);
}

static bool store(const struct ibv_qp *const qp, const struct ibv_send_entry *const entry,
	const struct ib_packet *const packet, const uint32_t index)
{
	const uint64_t original = packet->atomic_ack.original;

	if (entry->opcode != IBV_WR_RDMA_READ)
		return sges_scatter(qp->pd, entry->sge, entry->sges, 0, (const uint8_t *)&original,
			ATOMIC_BYTES);
	return sges_scatter(qp->pd, entry->sge, entry->sges, index << qp->mtu_shift,
		packet->payload, packet->payload_bytes);
}

static void take_part(struct ibv_qp *const qp, const struct ib_packet *const packet,
	const uint64_t now_ticks, const unsigned layout)
{
	struct ibv_requester *const r = &qp->requester;
	const struct ibv_send_entry *const entry = send_entry(qp, r->head);
	const uint32_t index = (uint32_t)psn_ahead(packet->bth.psn, entry->first_psn);
	const bool over = index + 1 == entry->packets;

	if (!is_read(entry) || !is_right_part(qp, entry, packet, index, layout)) {
		send_fail(qp, IBV_WC_BAD_RESP_ERR);
		return;
	}
	if (!store(qp, entry, packet, index)) {
		send_fail(qp, IBV_WC_LOC_PROT_ERR);
		return;
	}
	if ((over || (index + 1) % PORTION_PACKETS == 0) && r->reads != 0)
		r->reads--;
	if (over)
		send_complete(qp, IBV_WC_SUCCESS);
	progress(qp, psn_add(packet->bth.psn, 1), now_ticks);
}

enum ibv_drop requester_response(struct ibv_qp *const qp, const uint64_t now_ticks,
	const struct ib_packet *const packet, const unsigned layout)
{
	struct ibv_requester *const r = &qp->requester;

	if (qp->state != IBV_QPS_RTS)
		return IBV_DROP_STATE;
	if (psn_ahead(packet->bth.psn, r->una_psn) < 0 ||
		psn_ahead(packet->bth.psn, r->most_psn) >= 0)
		return IBV_DROP_RESPONSE;
	if ((packet->bth.opcode & IB_OP_MASK) == IB_OP_ACKNOWLEDGE)
		take_acknowledge(qp, packet, now_ticks);
	else if (advance(qp, packet->bth.psn, now_ticks) && r->una_psn == packet->bth.psn)
		take_part(qp, packet, now_ticks, layout);
	else
		gap(qp);
	return IBV_DROP_NONE;
}

void requester_timer(struct ibv_qp *const qp, const uint64_t now_ticks)
{
	struct ibv_requester *const r = &qp->requester;

	if (r->resume <= now_ticks) {
		r->resume = IBV_NEVER;
		qp_wake(qp);
	}
	if (r->deadline <= now_ticks && qp->doom == IBV_WC_SUCCESS)
		retry(qp);
	note_timer(qp->context, r->resume);
	if (qp->doom == IBV_WC_SUCCESS)
		note_timer(qp->context, r->deadline);
}
