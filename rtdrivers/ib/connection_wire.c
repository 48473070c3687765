/*
 * Datagrams of the connection manager. Invariant: each buffer for sending has an address handle of its own, and is
 * free as soon as no request names that; so what is sent needs no completions.
 * Specification: IBTA volume 1, 13.5.1 (queue pair 1), 12.6.
 */
#include <ib/connection_state.h>

#define LEAST_SENDS 4u

static unsigned less(const unsigned a, const unsigned b)
{
	return a < b ? a : b;
}

static struct ibv_sge piece(
	const struct connections *const table, const unsigned index, const uint32_t bytes)
{
	return (struct ibv_sge){ (uint64_t)(uintptr_t)table->mads[index], bytes, table->mr->lkey };
}

static void receive(const struct connections *const table, const unsigned index)
{
	struct ibv_sge sge = piece(table, index, CONNECTION_MAD_BYTES);
	const struct ibv_recv_wr wr = { .wr_id = index, .sg_list = &sge, .num_sge = 1 };

	recv_post(table->gsi, &wr);
}

static bool take_objects(struct connections *const table)
{
	struct ibv_qp_init_attr init = { .qp_type = IBV_QPT_GSI };

	table->mr = ibv_reg_mr(table->pd, table->mads,
		sizeof(table->mads[0]) * (CONNECTION_RECEIVES + CONNECTION_SENDS),
		IBV_ACCESS_LOCAL_WRITE);
	table->cq = ibv_create_cq(table->context, (int)(table->sends + table->receives), NULL);
	if (table->mr == NULL || table->cq == NULL)
		return false;
	init.send_cq = init.recv_cq = table->cq;
	table->gsi = ibv_create_qp(table->pd, &init);
	return table->gsi != NULL;
}

static bool take_addresses(struct connections *const table)
{
	const struct ibv_ah_attr nowhere = { .is_global = 1 };

	for (unsigned i = 0; i < table->sends; i++) {
		table->ahs[i] = ibv_create_ah(table->pd, &nowhere);
		if (table->ahs[i] == NULL)
			return false;
	}
	return true;
}

static bool begin(const struct connections *const table)
{
	struct ibv_qp_attr attr = { .qkey = IB_QKEY_GSI };

	for (attr.qp_state = IBV_QPS_INIT; attr.qp_state <= IBV_QPS_RTS; attr.qp_state++)
		if (ibv_modify_qp(table->gsi, &attr,
			    IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_QKEY |
				    IBV_QP_SQ_PSN) != 0)
			return false;
	return true;
}

enum connection_error wire_open(struct connections *const table)
{
	const struct ibv_pools *const pools = &table->context->pools;

	table->sends = less(pools->send_depth, CONNECTION_SENDS);
	table->receives = less(pools->recv_depth, CONNECTION_RECEIVES);
	table->receives =
		less(table->receives, pools->cq_depth - less(table->sends, pools->cq_depth));
	if (table->sends < LEAST_SENDS || table->receives < LEAST_SENDS || !take_objects(table) ||
		!take_addresses(table) || !begin(table))
		return CONNECTION_POOLS;
	for (unsigned i = 0; i < table->receives; i++)
		receive(table, i);
	return CONNECTION_GOOD;
}

/* From queue pair 1, whole, and of the communication manager. */
static bool read(const struct connections *const table, const struct ibv_wc *const wc,
	struct connection_arrival *const arrival)
{
	const uint8_t *const datagram = table->mads[wc->wr_id];

	return wc->status == IBV_WC_SUCCESS && wc->src_qp == IB_QPN_GSI &&
	       wc->byte_len >= IBV_GRH_BYTES &&
	       ibv_init_ah_from_wc(table->context, 1, wc, datagram, &arrival->from) == 0 &&
	       cm_decode(datagram + IBV_GRH_BYTES, wc->byte_len - IBV_GRH_BYTES,
		       &arrival->message) == IB_ACCEPTED &&
	       arrival->message.header.method == MAD_METHOD_SEND;
}

enum connection_wire wire_take(
	struct connections *const table, struct connection_arrival *const arrival)
{
	struct ibv_wc wc;
	bool good;

	if (ibv_poll_cq(table->cq, 1, &wc) == 0)
		return CONNECTION_WIRE_NOTHING;
	if (wc.opcode != IBV_WC_RECV || wc.wr_id >= table->receives)
		return CONNECTION_WIRE_BAD;
	good = read(table, &wc, arrival);
	arrival->from.sl = table->gsi->attr.ah_attr.sl;
	receive(table, (unsigned)wc.wr_id);
	return good ? CONNECTION_WIRE_MESSAGE : CONNECTION_WIRE_BAD;
}

/* CONNECTION_SENDS: all of them wait to be sent. */
static unsigned free_buffer(const struct connections *const table)
{
	for (unsigned i = 0; i < table->sends; i++)
		if (table->ahs[i]->pending == 0)
			return i;
	return CONNECTION_SENDS;
}

void wire_send(struct connections *const table, const struct ibv_ah_attr *const to,
	const uint8_t message[const MAD_BYTES])
{
	const unsigned index = free_buffer(table);
	struct ibv_send_wr wr = { .num_sge = 1, .opcode = IBV_WR_SEND };
	struct ibv_sge sge;

	if (index == CONNECTION_SENDS) {
		table->lost++;
		return;
	}
	sge = piece(table, CONNECTION_RECEIVES + index, MAD_BYTES);
	wr.sg_list = &sge;
	copy_bytes(table->mads[CONNECTION_RECEIVES + index], message, MAD_BYTES);
	table->ahs[index]->attr = *to;
	table->ahs[index]->attr.sl = table->gsi->attr.ah_attr.sl;
	wr.wr.ud.ah = table->ahs[index];
	wr.wr.ud.remote_qpn = IB_QPN_GSI;
	wr.wr.ud.remote_qkey = IB_QKEY_GSI;
	if (send_post(table->gsi, &wr) != 0)
		table->lost++;
	else
		table->sent++;
	qp_wake(table->gsi);
}

void wire_answer(struct connections *const table, const struct connection_arrival *const arrival,
	const enum cm_attribute attribute, struct cm_message *const message)
{
	uint8_t data[MAD_BYTES];

	cm_header(&message->header, attribute, arrival->message.header.transaction);
	cm_encode(message, data);
	wire_send(table, &arrival->from, data);
}
