/*
 * The responder: requests in, acknowledgements and responses out.
 *
 * Invariant: a reliable request is done exactly when its packet number is the one expected; one behind
 * changes no memory; one ahead is answered by one NAK until the one expected comes. What is sent goes in
 * the order of packet numbers: responses first, then the acknowledgement that covers all of them.
 * Specification: IBTA 1.4, 9.7.4, 9.7.5, 9.8.2, 9.8.3.
 */
#include <ib/state.h>

static const enum ibv_drop drops[] = {
	[VERDICT_GOOD] = IBV_DROP_NONE,
	[VERDICT_OPCODE] = IBV_DROP_OPCODE,
	[VERDICT_LENGTH] = IBV_DROP_LENGTH,
	[VERDICT_ACCESS] = IBV_DROP_ACCESS,
	[VERDICT_RECEIVE] = IBV_DROP_RECEIVE,
	[VERDICT_TOO_LONG] = IBV_DROP_TOO_LONG,
	[VERDICT_LOCAL] = IBV_DROP_ACCESS,
	[VERDICT_RESOURCE] = IBV_DROP_RESOURCE,
};

static const uint8_t naks[] = {
	[VERDICT_OPCODE] = IB_NAK_INVALID_REQUEST,
	[VERDICT_LENGTH] = IB_NAK_INVALID_REQUEST,
	[VERDICT_ACCESS] = IB_NAK_REMOTE_ACCESS,
	[VERDICT_TOO_LONG] = IB_NAK_INVALID_REQUEST,
	[VERDICT_LOCAL] = IB_NAK_REMOTE_OPERATION,
	[VERDICT_RESOURCE] = IB_NAK_INVALID_REQUEST,
};

static void answer(struct ibv_qp *const qp, const enum ibv_answer kind, const uint8_t nak)
{
	qp->responder.answer = (uint8_t)kind;
	qp->responder.nak = nak;
	qp_wake(qp);
}

/* The receiver's own fault shows in the entry that was being filled. */
static void fail_entry(struct ibv_qp *const qp, const enum verdict verdict)
{
	if (verdict == VERDICT_TOO_LONG)
		recv_complete(qp, IBV_WC_LOC_LEN_ERR, 0);
	if (verdict == VERDICT_LOCAL)
		recv_complete(qp, IBV_WC_LOC_PROT_ERR, 0);
}

/* Not now: to be sent again after min_rnr_timer; what follows is not complained about. */
static void not_ready(struct ibv_qp *const qp)
{
	qp->responder.complained = true;
	answer(qp, IBV_ANSWER_RNR, 0);
}

void responder_end(struct ibv_qp *const qp)
{
	qp_fail(qp);
	answer(qp, IBV_ANSWER_NAK, IB_NAK_REMOTE_ACCESS);
}

/* What was asked for before is answered before. */
static void refuse(struct ibv_qp *const qp, const enum verdict verdict)
{
	const uint32_t oldest = qp->responder.oldest;

	fail_entry(qp, verdict);
	qp_fail(qp);
	qp->responder.oldest = oldest;
	answer(qp, IBV_ANSWER_NAK, naks[verdict]);
}

static enum ibv_drop rc_ahead(struct ibv_qp *const qp)
{
	if (!qp->responder.complained) {
		qp->responder.complained = true;
		answer(qp, IBV_ANSWER_NAK, IB_NAK_SEQUENCE);
	}
	return IBV_DROP_PSN;
}

static enum ibv_drop rc_behind(
	struct ibv_qp *const qp, const struct ib_packet *const packet, const unsigned layout)
{
	if (layout & (IB_IS_READ | IB_HAS_ATOMIC)) {
		if (resource_again(qp, packet, layout))
			qp_wake(qp);
	} else if (qp->responder.answer == IBV_ANSWER_NONE) {
		answer(qp, IBV_ANSWER_ACK, 0);
	}
	return IBV_DROP_DUPLICATE;
}

static void rc_done(
	struct ibv_qp *const qp, const struct ib_packet *const packet, const unsigned layout)
{
	struct ibv_responder *const r = &qp->responder;

	r->complained = false;
	if (layout & (IB_IS_READ | IB_HAS_ATOMIC)) {
		qp_wake(qp);
		return;
	}
	r->psn = psn_add(r->psn, 1);
	if (layout & IB_IS_LAST)
		r->msn = (r->msn + 1) & IB_PSN_MASK;
	if (packet->bth.acknowledge || r->answer != IBV_ANSWER_NONE)
		answer(qp, IBV_ANSWER_ACK, 0);
}

enum ibv_drop rc_request(
	struct ibv_qp *const qp, const struct ib_packet *const packet, const unsigned layout)
{
	const int32_t ahead = psn_ahead(packet->bth.psn, qp->responder.psn);
	enum verdict verdict;

	if (ahead > 0)
		return rc_ahead(qp);
	if (ahead < 0)
		return rc_behind(qp, packet, layout);
	verdict = layout & (IB_IS_READ | IB_HAS_ATOMIC) ? resource_begin(qp, packet, layout)
							: message_packet(qp, packet, layout);
	if (verdict == VERDICT_GOOD)
		rc_done(qp, packet, layout);
	else if (verdict == VERDICT_RECEIVE)
		not_ready(qp);
	else
		refuse(qp, verdict);
	return drops[verdict];
}

/* A message of which anything is missing is none; the next one uses its entry. */
enum ibv_drop uc_request(
	struct ibv_qp *const qp, const struct ib_packet *const packet, const unsigned layout)
{
	struct ibv_responder *const r = &qp->responder;
	const bool lost = packet->bth.psn != r->psn;
	enum verdict verdict;

	r->psn = psn_add(packet->bth.psn, 1);
	if (lost || (layout & IB_IS_FIRST))
		r->message = IBV_MESSAGE_NONE;
	verdict = message_packet(qp, packet, layout);
	if (verdict == VERDICT_LOCAL) {
		fail_entry(qp, verdict);
		qp_fail(qp);
	} else if (verdict != VERDICT_GOOD) {
		r->message = IBV_MESSAGE_NONE;
	}
	return lost && verdict == VERDICT_OPCODE ? IBV_DROP_PSN : drops[verdict];
}

static bool store_datagram(const struct ibv_qp *const qp, const struct ib_packet *const packet,
	const struct ibv_arrival *const arrival)
{
	const struct ibv_recv_entry *const entry = recv_entry(qp, qp->responder.head);

	return (arrival->grh == NULL || sges_scatter(qp->pd, entry->sge, entry->sges, 0,
						arrival->grh, IBV_GRH_BYTES)) &&
	       sges_scatter(qp->pd, entry->sge, entry->sges, IBV_GRH_BYTES, packet->payload,
		       packet->payload_bytes);
}

enum ibv_drop ud_request(struct ibv_qp *const qp, const struct ib_packet *const packet,
	const struct ibv_arrival *const arrival)
{
	const struct ibv_responder *const r = &qp->responder;
	const uint32_t bytes = IBV_GRH_BYTES + packet->payload_bytes;
	struct ibv_wc *wc;

	if (packet->deth.qkey != qp->attr.qkey)
		return IBV_DROP_QKEY;
	if (r->head == r->tail)
		return IBV_DROP_RECEIVE;
	if (bytes > recv_entry(qp, r->head)->bytes)
		return IBV_DROP_TOO_LONG;
	if (!store_datagram(qp, packet, arrival)) {
		fail_entry(qp, VERDICT_LOCAL);
		qp_fail(qp);
		return IBV_DROP_ACCESS;
	}
	wc = recv_complete(qp, IBV_WC_SUCCESS, bytes);
	wc->src_qp = packet->deth.source;
	wc->slid = arrival->slid;
	wc->sl = arrival->sl;
	wc->wc_flags = arrival->grh != NULL ? IBV_WC_GRH : 0;
	if ((packet->bth.opcode & IB_OP_MASK) == IB_OP_SEND_ONLY_IMMEDIATE) {
		wc->imm_data = __builtin_bswap32(packet->immediate);
		wc->wc_flags |= IBV_WC_WITH_IMM;
	}
	return IBV_DROP_NONE;
}

static uint8_t syndrome(const struct ibv_qp *const qp)
{
	if (qp->responder.answer == IBV_ANSWER_RNR)
		return (uint8_t)(IB_AETH_RNR | qp->attr.min_rnr_timer);
	if (qp->responder.answer == IBV_ANSWER_NAK)
		return (uint8_t)(IB_AETH_NAK | qp->responder.nak);
	return IB_AETH_ACK | IB_AETH_UNLIMITED;
}

/* An ACK names the last packet done, a NAK the one expected. */
static void acknowledge(struct ibv_qp *const qp, struct ibv_departure *const departure)
{
	struct ibv_responder *const r = &qp->responder;
	struct ib_packet *const packet = &departure->packet;

	packet->bth.opcode = IB_OP_ACKNOWLEDGE;
	packet->bth.psn = r->answer == IBV_ANSWER_ACK ? psn_add(r->psn, IB_PSN_MASK) : r->psn;
	packet->aeth = (struct ib_aeth){ syndrome(qp), r->msn };
	r->answer = IBV_ANSWER_NONE;
}

bool responder_next(struct ibv_qp *const qp, struct ibv_departure *const departure)
{
	const enum response response = resource_next(qp, departure);

	if (response == RESPONSE_SENT)
		return true;
	if (response == RESPONSE_FAILS) {
		qp->responder.psn = departure->packet.bth.psn;
		qp_doom(qp, IBV_WC_LOC_ACCESS_ERR);
		return false;
	}
	if (qp->responder.answer == IBV_ANSWER_NONE)
		return false;
	acknowledge(qp, departure);
	return true;
}
