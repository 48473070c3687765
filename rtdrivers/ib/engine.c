/*
 * Packets to their queue pairs, and whose packet is sent next.
 *
 * Invariant: nothing about a queue pair changes before the packet's number, type, P_Key and source have
 * been found to be its own. Specification: IBTA 1.4, 9.6, 10.9.3.
 */
#include <ib/state.h>

#define LANES_ALL 0xffffu

struct ibv_qp *qp_find(const struct ibv_context *const context, const uint32_t number)
{
	struct ibv_qp *const qp = &context->pools.qps[number & QPN_INDEX_MASK];

	if (number == IB_QPN_GSI)
		return context->gsi;
	if ((number & QPN_INDEX_MASK) >= context->pools.qp_count || qp->context == NULL ||
		qp->qp_num != number)
		return NULL;
	return qp;
}

static enum ib_transport transport_of(const struct ibv_qp *const qp)
{
	if (qp->qp_type == IBV_QPT_RC)
		return IB_TRANSPORT_RC;
	return qp->qp_type == IBV_QPT_UC ? IB_TRANSPORT_UC : IB_TRANSPORT_UD;
}

bool has_pkey(const struct ibv_qp *const qp, const uint16_t pkey)
{
	const uint16_t own = qp->context->pkeys[qp->attr.pkey_index];

	return ((own ^ pkey) & ~IB_PKEY_FULL) == 0 && ((own | pkey) & IB_PKEY_FULL) != 0;
}

static enum ibv_drop judge(const struct ibv_qp *const qp, const struct ibv_arrival *const arrival,
	const struct ib_bth *const bth)
{
	if (qp == NULL)
		return IBV_DROP_QP;
	if ((bth->opcode & IB_TRANSPORT_MASK) != (uint8_t)transport_of(qp) || qp->link != NULL)
		return IBV_DROP_TRANSPORT;
	if ((qp->state != IBV_QPS_RTR && qp->state != IBV_QPS_RTS) || qp->doom != IBV_WC_SUCCESS)
		return IBV_DROP_STATE;
	if (!has_pkey(qp, bth->pkey))
		return IBV_DROP_PKEY;
	return is_from_peer(qp, arrival) ? IBV_DROP_NONE : IBV_DROP_SOURCE;
}

static enum ibv_drop deliver(struct ibv_qp *const qp, const uint64_t now_ticks,
	const struct ibv_arrival *const arrival, const struct ib_packet *const packet,
	const unsigned layout)
{
	if (layout & IB_IS_RESPONSE)
		return requester_response(qp, now_ticks, packet, layout);
	if (qp->qp_type == IBV_QPT_RC)
		return rc_request(qp, packet, layout);
	return qp->qp_type == IBV_QPT_UC ? uc_request(qp, packet, layout)
					 : ud_request(qp, packet, arrival);
}

enum ibv_drop ibv_receive(struct ibv_context *const context, const uint64_t now_ticks,
	const struct ibv_arrival *const arrival, const struct ib_packet *const packet)
{
	const unsigned layout = ib_opcode_layout(packet->bth.opcode);
	struct ibv_qp *qp;
	enum ibv_drop drop = IBV_DROP_CONGESTION;

	if (!(layout & IB_IS_CONGESTION)) {
		qp = qp_find(context, packet->bth.destination);
		drop = judge(qp, arrival, &packet->bth);
		if (drop == IBV_DROP_NONE)
			drop = deliver(qp, now_ticks, arrival, packet, layout);
	}
	context->dropped[drop]++;
	return drop;
}

static void serve_timers(struct ibv_context *const context, const uint64_t now_ticks)
{
	context->earliest = IBV_NEVER;
	for (unsigned i = 0; i < context->pools.qp_count; i++)
		if (context->pools.qps[i].context != NULL && !(context->waiting >> i & 1))
			requester_timer(&context->pools.qps[i], now_ticks);
}

static uint64_t of_lanes(const struct ibv_context *const context, const uint16_t lanes)
{
	uint64_t queue_pairs = 0;

	for (unsigned sl = 0; sl < IBV_LANES; sl++)
		if (lanes & 1u << sl)
			queue_pairs |= context->lanes[sl];
	return queue_pairs;
}

/* What all packets of a queue pair have in common. */
static void address(const struct ibv_qp *const qp, struct ibv_departure *const departure)
{
	struct ib_bth *const bth = &departure->packet.bth;

	departure->to = &qp->attr.ah_attr;
	departure->source_qp = qp->qp_num;
	departure->pieces = 0;
	departure->packet.payload = NULL;
	departure->packet.payload_bytes = 0;
	bth->solicited = false;
	bth->migrated = true;
	bth->version = 0;
	bth->pkey = qp->context->pkeys[qp->attr.pkey_index];
	bth->forward_congested = false;
	bth->backward_congested = false;
	bth->destination = qp->attr.dest_qp_num;
	bth->acknowledge = false;
}

/* One of those that are to end. */
static void end_one(struct ibv_context *const context)
{
	const unsigned index = (unsigned)__builtin_ctzll(context->doomed);
	struct ibv_qp *const qp = &context->pools.qps[index];
	const enum ibv_wc_status status = qp->doom;

	if (status == IBV_WC_LOC_ACCESS_ERR)
		responder_end(qp);
	else
		send_fail(qp, status);
}

static bool qp_next(
	struct ibv_qp *const qp, const uint64_t now_ticks, struct ibv_departure *const departure)
{
	if (qp->doom != IBV_WC_SUCCESS || qp->link != NULL)
		return false;
	address(qp, departure);
	if (!(qp->qp_type == IBV_QPT_RC && responder_next(qp, departure)) &&
		!requester_next(qp, now_ticks, departure))
		return false;
	departure->packet.bth.opcode |= (uint8_t)transport_of(qp);
	return true;
}

/* The first of them from the turn on. */
static unsigned choose(const uint64_t candidates, const unsigned turn)
{
	const uint64_t later = candidates & ~0ull << turn;

	return (unsigned)__builtin_ctzll(later != 0 ? later : candidates);
}

uint64_t ibv_candidates(
	struct ibv_context *const context, const uint64_t now_ticks, const uint16_t lanes)
{
	uint64_t candidates;

	if (context->earliest <= now_ticks)
		serve_timers(context, now_ticks);
	if (context->doomed != 0)
		end_one(context);
	candidates = context->ready & ~context->held & ~context->waiting;
	if (lanes != LANES_ALL)
		candidates &= of_lanes(context, lanes);
	return candidates;
}

struct ibv_qp *ibv_choose(struct ibv_context *const context, const uint64_t candidates)
{
	const unsigned index = choose(candidates, context->turn);

	context->turn = (index + 1) % IBV_QPS_MOST;
	return &context->pools.qps[index];
}

const struct ibv_ah_attr *ibv_destination(const struct ibv_qp *const qp)
{
	if (!is_datagram(qp))
		return &qp->attr.ah_attr;
	return qp->requester.next == qp->requester.tail
		       ? NULL
		       : &send_entry(qp, qp->requester.next)->ah->attr;
}

bool ibv_take(
	struct ibv_qp *const qp, const uint64_t now_ticks, struct ibv_departure *const departure)
{
	struct ibv_context *const context = qp->context;

	if (!qp_next(qp, now_ticks, departure)) {
		context->ready &= ~(1ull << qp->index);
		return false;
	}
	context->sent = qp->index;
	return true;
}

bool ibv_next(struct ibv_context *const context, const uint64_t now_ticks, const uint16_t lanes,
	struct ibv_departure *const departure)
{
	uint64_t candidates = ibv_candidates(context, now_ticks, lanes);

	while (candidates != 0) {
		struct ibv_qp *const qp = ibv_choose(context, candidates);

		if (ibv_take(qp, now_ticks, departure))
			return true;
		candidates &= ~(1ull << qp->index);
	}
	return false;
}

bool ibv_unreachable(struct ibv_qp *const qp)
{
	const struct ibv_requester *const r = &qp->requester;

	qp->context->ready &= ~(1ull << qp->index);
	if (qp->state != IBV_QPS_RTS || r->head == r->tail || qp->doom != IBV_WC_SUCCESS)
		return false;
	qp_doom(qp, IBV_WC_RETRY_EXC_ERR);
	return true;
}

void ibv_wait(struct ibv_qp *const qp)
{
	qp->context->waiting |= 1ull << qp->index;
}

/* What was on its way to be acknowledged could not be sent again meanwhile. */
static void go_on(struct ibv_qp *const qp, const uint64_t now_ticks)
{
	if (qp->requester.deadline == IBV_NEVER)
		return;
	qp->requester.deadline = now_ticks + qp->timeout_ticks;
	note_timer(qp->context, qp->requester.deadline);
}

void ibv_resume(struct ibv_context *const context, const uint64_t now_ticks)
{
	for (unsigned i = 0; i < context->pools.qp_count; i++)
		if (context->waiting >> i & 1)
			go_on(&context->pools.qps[i], now_ticks);
	context->waiting = 0;
	note_timer(context, now_ticks); /* of those not ready meanwhile */
}
