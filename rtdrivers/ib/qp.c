/*
 * Queue pairs: created, moved from state to state, and ended. Invariant: attributes are within their
 * ranges before a state that uses them is entered. Specification: IBTA 1.4, 10.2.4, 10.3, 11.2.4.
 */
#include <ib/state.h>

#include <errno.h>

#define TIMEOUT_MOST   31u
#define RETRY_MOST     7u
#define TIMEOUT_UNIT   4096u /* ns, of timeout 0. 9.9.2.1.1 */
#define MTU_SHIFT      7u    /* 256 bytes are IBV_MTU_256 = 1 */
#define QPN_GENERATION (QPN_INDEX_MASK + 1)

/* What has to be given on the way to INIT, RTR and RTS. 11.2.5.2. */
static const int needed[IBV_QPS_RTS + 1][IBV_QPT_UD + 1] = {
	[IBV_QPS_INIT] = {
		[IBV_QPT_RC] = IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS,
		[IBV_QPT_UC] = IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS,
		[IBV_QPT_UD] = IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_QKEY,
		[IBV_QPT_GSI] = IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_QKEY,
	},
	[IBV_QPS_RTR] = {
		[IBV_QPT_RC] = IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
			IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER,
		[IBV_QPT_UC] = IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN,
	},
	[IBV_QPS_RTS] = {
		[IBV_QPT_RC] = IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN |
			IBV_QP_MAX_QP_RD_ATOMIC,
		[IBV_QPT_UC] = IBV_QP_SQ_PSN,
		[IBV_QPT_UD] = IBV_QP_SQ_PSN,
		[IBV_QPT_GSI] = IBV_QP_SQ_PSN,
	},
};

static bool is_free_number(const struct ibv_context *const context, const enum ibv_qp_type type)
{
	return type != IBV_QPT_GSI || context->gsi == NULL;
}

static bool is_possible(const struct ibv_pd *const pd, const struct ibv_qp_init_attr *const attr)
{
	const struct ibv_pools *const pools = &pd->context->pools;

	return attr->qp_type >= IBV_QPT_GSI && attr->qp_type <= IBV_QPT_UD &&
	       is_free_number(pd->context, attr->qp_type) && attr->send_cq != NULL &&
	       attr->recv_cq != NULL && attr->send_cq->context == pd->context &&
	       attr->recv_cq->context == pd->context &&
	       attr->cap.max_send_wr <= pools->send_depth &&
	       attr->cap.max_recv_wr <= pools->recv_depth &&
	       attr->cap.max_send_sge <= IBV_SGE_MOST && attr->cap.max_recv_sge <= IBV_SGE_MOST &&
	       attr->cap.max_inline_data <= IBV_INLINE_MOST;
}

static void attach(struct ibv_qp *const qp)
{
	qp->pd->users++;
	qp->send_cq->users++;
	qp->recv_cq->users++;
	if (qp->qp_type == IBV_QPT_GSI) {
		qp->context->gsi = qp;
		qp->attr.qkey = IB_QKEY_GSI;
	}
}

/* The number: its index, and above it how often it was given out, never 0. */
static uint32_t next_number(const struct ibv_qp *const qp)
{
	const uint32_t next = (qp->number + QPN_GENERATION) & IB_QPN_MASK;

	return next <= QPN_INDEX_MASK ? next + QPN_GENERATION : next;
}

static void set_up(
	struct ibv_qp *const qp, struct ibv_pd *const pd, const struct ibv_qp_init_attr *const attr)
{
	const struct ibv_pools *const pools = &pd->context->pools;

	*qp = (struct ibv_qp){ .context = pd->context,
		.qp_context = attr->qp_context,
		.pd = pd,
		.send_cq = attr->send_cq,
		.recv_cq = attr->recv_cq,
		.qp_num = attr->qp_type == IBV_QPT_GSI ? IB_QPN_GSI : next_number(qp),
		.number = next_number(qp),
		.qp_type = attr->qp_type,
		.signal_all = attr->sq_sig_all != 0,
		.index = qp->index,
		.mtu_bytes = IB_MTU_MOST,
		.mtu_shift = MTU_SHIFT + IBV_MTU_4096,
		.requester = { .entries = &pools->sends[qp->index * pools->send_depth],
			.resume = IBV_NEVER,
			.deadline = IBV_NEVER },
		.responder = { .entries = &pools->recvs[qp->index * pools->recv_depth] } };
}

struct ibv_qp *ibv_create_qp(struct ibv_pd *const pd, struct ibv_qp_init_attr *const attr)
{
	const struct ibv_pools *const pools = &pd->context->pools;

	if (!is_possible(pd, attr))
		return NULL;
	for (unsigned i = 0; i < pools->qp_count; i++) {
		struct ibv_qp *const qp = &pools->qps[i];

		if (qp->context == NULL) {
			set_up(qp, pd, attr);
			attach(qp);
			attr->cap = (struct ibv_qp_cap){ pools->send_depth, pools->recv_depth,
				IBV_SGE_MOST, IBV_SGE_MOST, IBV_INLINE_MOST };
			return qp;
		}
	}
	return NULL;
}

static void leave_lane(const struct ibv_qp *const qp)
{
	qp->context->lanes[qp->attr.ah_attr.sl] &= ~(1ull << qp->index);
	qp->context->ready &= ~(1ull << qp->index);
	qp->context->waiting &= ~(1ull << qp->index);
}

static void enter_lane(const struct ibv_qp *const qp)
{
	qp->context->lanes[qp->attr.ah_attr.sl] |= 1ull << qp->index;
}

/* What was posted is gone, without a word. */
static void forget(struct ibv_qp *const qp)
{
	struct ibv_requester *const sends = &qp->requester;
	struct ibv_responder *const recvs = &qp->responder;

	for (; sends->head != sends->tail; sends->head++) {
		struct ibv_ah *const ah = send_entry(qp, sends->head)->ah;

		if (ah != NULL)
			ah->pending--;
		qp->send_cq->room++;
	}
	qp->recv_cq->room += recvs->tail - recvs->head;
}

static void reset(struct ibv_qp *const qp)
{
	forget(qp);
	leave_lane(qp);
	qp->context->doomed &= ~(1ull << qp->index);
	qp->doom = IBV_WC_SUCCESS;
	qp->link = NULL;
	qp->requester = (struct ibv_requester){
		.entries = qp->requester.entries, .resume = IBV_NEVER, .deadline = IBV_NEVER
	};
	qp->responder = (struct ibv_responder){ .entries = qp->responder.entries };
	qp->state = IBV_QPS_RESET;
}

int ibv_destroy_qp(struct ibv_qp *const qp)
{
	reset(qp);
	qp->pd->users--;
	qp->send_cq->users--;
	qp->recv_cq->users--;
	if (qp->context->gsi == qp)
		qp->context->gsi = NULL;
	qp->context = NULL;
	return 0;
}

static void flush_sends(struct ibv_qp *const qp)
{
	while (qp->requester.head != qp->requester.tail)
		send_complete(qp, IBV_WC_WR_FLUSH_ERR);
}

static void flush_recvs(struct ibv_qp *const qp)
{
	while (qp->responder.head != qp->responder.tail)
		recv_complete(qp, IBV_WC_WR_FLUSH_ERR, 0);
}

void qp_flush(struct ibv_qp *const qp)
{
	flush_sends(qp);
	flush_recvs(qp);
	qp->requester.next = qp->requester.head;
}

void qp_fail(struct ibv_qp *const qp)
{
	qp->state = IBV_QPS_ERR;
	qp->context->doomed &= ~(1ull << qp->index);
	qp->doom = IBV_WC_SUCCESS;
	qp->requester.resume = IBV_NEVER;
	qp->requester.deadline = IBV_NEVER;
	qp_flush(qp);
	qp->responder.oldest = qp->responder.newest;
	qp->responder.answer = IBV_ANSWER_NONE;
	qp->responder.message = IBV_MESSAGE_NONE;
}

void send_fail(struct ibv_qp *const qp, const enum ibv_wc_status status)
{
	send_complete(qp, status);
	qp_fail(qp);
}

static bool is_mtu(const enum ibv_mtu mtu)
{
	return mtu >= IBV_MTU_256 && mtu <= IBV_MTU_4096;
}

/* Those that are given are in range. */
static bool in_range(
	const struct ibv_qp *const qp, const struct ibv_qp_attr *const attr, const int mask)
{
	const uint16_t pkey =
		attr->pkey_index < IBV_PKEYS ? qp->context->pkeys[attr->pkey_index] : 0;

	return (!(mask & IBV_QP_PKEY_INDEX) || pkey != 0) &&
	       (!(mask & IBV_QP_AV) || attr->ah_attr.sl < IBV_LANES) &&
	       (!(mask & IBV_QP_PATH_MTU) || is_mtu(attr->path_mtu)) &&
	       (!(mask & IBV_QP_TIMEOUT) ||
		       (attr->timeout >= 1 && attr->timeout <= TIMEOUT_MOST)) &&
	       (!(mask & IBV_QP_RETRY_CNT) || attr->retry_cnt <= RETRY_MOST) &&
	       (!(mask & IBV_QP_RNR_RETRY) || attr->rnr_retry <= RETRY_MOST) &&
	       (!(mask & IBV_QP_MIN_RNR_TIMER) || attr->min_rnr_timer <= TIMEOUT_MOST) &&
	       (!(mask & IBV_QP_MAX_QP_RD_ATOMIC) || attr->max_rd_atomic <= IBV_RD_ATOMIC) &&
	       (!(mask & IBV_QP_MAX_DEST_RD_ATOMIC) || attr->max_dest_rd_atomic <= IBV_RD_ATOMIC);
}

static void take_addresses(
	struct ibv_qp *const qp, const struct ibv_qp_attr *const attr, const int mask)
{
	if (mask & IBV_QP_PKEY_INDEX)
		qp->attr.pkey_index = attr->pkey_index;
	if (mask & IBV_QP_PORT)
		qp->attr.port_num = attr->port_num;
	if (mask & IBV_QP_QKEY && qp->qp_type != IBV_QPT_GSI)
		qp->attr.qkey = attr->qkey;
	if (mask & IBV_QP_DEST_QPN)
		qp->attr.dest_qp_num = attr->dest_qp_num & IB_QPN_MASK;
	if (mask & IBV_QP_ACCESS_FLAGS)
		qp->attr.qp_access_flags = attr->qp_access_flags;
	if (mask & IBV_QP_AV) {
		leave_lane(qp);
		qp->attr.ah_attr = attr->ah_attr;
	}
	if (mask & IBV_QP_PATH_MTU) {
		qp->attr.path_mtu = attr->path_mtu;
		qp->mtu_shift = MTU_SHIFT + attr->path_mtu;
		qp->mtu_bytes = 1u << qp->mtu_shift;
	}
}

static void take_times(
	struct ibv_qp *const qp, const struct ibv_qp_attr *const attr, const int mask)
{
	if (mask & IBV_QP_TIMEOUT) {
		qp->attr.timeout = attr->timeout;
		qp->timeout_ticks =
			rate_ticks_up(&qp->context->rate, (uint64_t)TIMEOUT_UNIT << attr->timeout);
	}
	if (mask & IBV_QP_RETRY_CNT)
		qp->requester.retries = qp->attr.retry_cnt = attr->retry_cnt;
	if (mask & IBV_QP_RNR_RETRY)
		qp->requester.rnr_retries = qp->attr.rnr_retry = attr->rnr_retry;
	if (mask & IBV_QP_MIN_RNR_TIMER)
		qp->attr.min_rnr_timer = attr->min_rnr_timer;
	if (mask & IBV_QP_MAX_QP_RD_ATOMIC)
		qp->attr.max_rd_atomic = attr->max_rd_atomic;
	if (mask & IBV_QP_MAX_DEST_RD_ATOMIC)
		qp->attr.max_dest_rd_atomic = attr->max_dest_rd_atomic;
}

static void take_numbers(
	struct ibv_qp *const qp, const struct ibv_qp_attr *const attr, const int mask)
{
	const uint32_t psn = attr->sq_psn & IB_PSN_MASK;

	if (mask & IBV_QP_RQ_PSN)
		qp->responder.psn = qp->attr.rq_psn = attr->rq_psn & IB_PSN_MASK;
	if (mask & IBV_QP_SQ_PSN) {
		qp->attr.sq_psn = psn;
		qp->requester.post_psn = qp->requester.send_psn = psn;
		qp->requester.una_psn = qp->requester.most_psn = psn;
	}
}

/* Forward by one state. */
static int move(struct ibv_qp *const qp, const struct ibv_qp_attr *const attr, const int mask)
{
	const int wanted = needed[attr->qp_state][qp->qp_type];

	if (attr->qp_state != qp->state + 1 || (mask & wanted) != wanted ||
		!in_range(qp, attr, mask))
		return EINVAL;
	take_addresses(qp, attr, mask);
	take_times(qp, attr, mask);
	take_numbers(qp, attr, mask);
	enter_lane(qp);
	qp->state = attr->qp_state;
	return 0;
}

int ibv_modify_qp(
	struct ibv_qp *const qp, const struct ibv_qp_attr *const attr, const int attr_mask)
{
	if (!(attr_mask & IBV_QP_STATE))
		return EINVAL;
	if (attr->qp_state == IBV_QPS_RESET) {
		reset(qp);
		return 0;
	}
	if (attr->qp_state == IBV_QPS_ERR) {
		qp_fail(qp);
		return 0;
	}
	if (attr->qp_state < IBV_QPS_INIT || attr->qp_state > IBV_QPS_RTS)
		return EINVAL;
	return move(qp, attr, attr_mask);
}
