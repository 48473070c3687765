/*
 * The short way. See straight.h. Invariant: all is judged before anything changes; what is not exactly the
 * expected is refused here and judged by the long way, which alone says why.
 */
#include <ib/bth.h>
#include <ib/crc.h>
#include <ib/state.h>
#include <ib/straight.h>

#define RC_SEND     (IB_TRANSPORT_RC | IB_OP_SEND_ONLY)
#define RC_ACK      (IB_TRANSPORT_RC | IB_OP_ACKNOWLEDGE)
#define ACK_BYTES   (IB_BTH_BYTES + IB_AETH_BYTES)
#define SEND_MOST   (IB_BTH_BYTES + IBV_INLINE_MOST)
#define FRAME_MOST  (PLAIN_PACKET + SEND_MOST + IB_ICRC_BYTES)
#define UDP_AND_CRC (PLAIN_PACKET - PLAIN_UDP + IB_ICRC_BYTES)
#define PAD_VERSION 0x003f0000u /* of a BTH's first word */

/* ---- Frames that go ---- */

/* Headers in front of a packet of so many bytes, and the ICRC behind it. The frame's bytes. */
static unsigned wrap(const struct roce_port *const port, const struct ibv_qp *const qp,
	const struct neighbour *const neighbour, const unsigned packet_bytes, uint8_t *const frame)
{
	const struct plain plain =
		straight_headers(port, &qp->attr.ah_attr, qp->qp_num, neighbour->mac);

	plain_write(&plain, UDP_AND_CRC + packet_bytes, frame);
	roce_seal(frame + PLAIN_IP, PLAIN_PACKET - PLAIN_IP + packet_bytes);
	return PLAIN_PACKET + packet_bytes + IB_ICRC_BYTES;
}

static void write_bth(const struct ibv_qp *const qp, const struct ib_bth *const of,
	const uint32_t pad_bytes, uint8_t *const packet)
{
	const struct ib_bth bth = { .opcode = of->opcode,
		.solicited = of->solicited,
		.migrated = true,
		.pkey = qp->context->pkeys[qp->attr.pkey_index],
		.destination = qp->attr.dest_qp_num,
		.acknowledge = of->acknowledge,
		.psn = of->psn };

	bth_write(&bth, pad_bytes, 0, packet);
}

/* An ACK of all that was done. */
static unsigned write_acknowledgement(struct ibv_qp *const qp, uint8_t *const packet)
{
	struct ibv_responder *const r = &qp->responder;
	const struct ib_bth bth = { .opcode = RC_ACK, .psn = psn_add(r->psn, IB_PSN_MASK) };

	write_bth(qp, &bth, 0, packet);
	octets_write32(
		packet + IB_BTH_BYTES, (uint32_t)(IB_AETH_ACK | IB_AETH_UNLIMITED) << 24 | r->msn);
	r->answer = IBV_ANSWER_NONE;
	return ACK_BYTES;
}

static void note_sent(struct ibv_qp *const qp, const uint64_t now_ticks)
{
	struct ibv_requester *const r = &qp->requester;

	r->send_psn = psn_add(r->send_psn, 1);
	if (psn_ahead(r->send_psn, r->most_psn) > 0)
		r->most_psn = r->send_psn;
	r->next++;
	r->silent = 0;
	await_answer(qp, now_ticks);
}

/* The padding is in the last word, under the data's end. */
static unsigned write_message(
	struct ibv_qp *const qp, uint8_t *const packet, const uint64_t now_ticks)
{
	const struct ibv_send_entry *const entry = send_entry(qp, qp->requester.next);
	const uint32_t pad_bytes = -entry->bytes & 3;
	const struct ib_bth bth = { .opcode = RC_SEND,
		.solicited = (entry->flags & IBV_SEND_SOLICITED) != 0,
		.acknowledge = true,
		.psn = qp->requester.send_psn };

	write_bth(qp, &bth, pad_bytes, packet);
	if (pad_bytes != 0)
		plain_store32(packet + IB_BTH_BYTES + (entry->bytes & ~3u), 0);
	copy_few(packet + IB_BTH_BYTES, entry->data, entry->bytes);
	note_sent(qp, now_ticks);
	return IB_BTH_BYTES + entry->bytes + pad_bytes;
}

/* A SEND of data inline, which always is one packet, and which nothing holds. */
static bool may_go(const struct ibv_qp *const qp)
{
	const struct ibv_requester *const r = &qp->requester;
	const struct ibv_send_entry *const entry = send_entry(qp, r->next);

	return qp->state == IBV_QPS_RTS && r->next != r->tail && r->resume == IBV_NEVER &&
	       entry->opcode == IBV_WR_SEND && (entry->flags & IBV_SEND_INLINE) != 0 &&
	       ((entry->flags & IBV_SEND_FENCE) == 0 || r->reads == 0) &&
	       psn_ahead(r->send_psn, r->una_psn) < (int32_t)WINDOW_PACKETS;
}

/* Frames without a tag over IPv4, of a connection that has no READs to answer. */
static bool is_plain(const struct roce_port *const port, const struct ibv_qp *const qp)
{
	return qp->qp_type == IBV_QPT_RC && qp->doom == IBV_WC_SUCCESS && qp->link == NULL &&
	       qp->responder.oldest == qp->responder.newest && !port->tagged &&
	       gid_is_ipv4(qp->attr.ah_attr.grh.dgid.raw);
}

bool straight_goes(
	const struct roce_port *const port, const struct ibv_qp *const qp, const unsigned room)
{
	if (room < FRAME_MOST || !is_plain(port, qp))
		return false;
	return qp->responder.answer == IBV_ANSWER_ACK ||
	       (qp->responder.answer == IBV_ANSWER_NONE && may_go(qp));
}

unsigned straight_send(const struct roce_port *const port, const uint64_t now_ticks,
	struct ibv_qp *const qp, const struct neighbour *const neighbour, uint8_t *const frame)
{
	const bool answers = qp->responder.answer == IBV_ANSWER_ACK;
	uint8_t *const packet = frame + PLAIN_PACKET;
	const unsigned bytes =
		answers ? write_acknowledgement(qp, packet) : write_message(qp, packet, now_ticks);

	qp->context->sent = qp->index;
	return wrap(port, qp, neighbour, bytes, frame);
}

/* ---- Frames that come ---- */

/* It acknowledges the one request that is on its way, and nothing of another one. */
static bool completes(const struct ibv_qp *const qp, const uint32_t psn)
{
	const struct ibv_requester *const r = &qp->requester;
	const struct ibv_send_entry *const entry = send_entry(qp, r->head);
	const uint32_t until = psn_add(psn, 1);

	return r->next - r->head == 1 && !is_read(entry) && until == r->send_psn &&
	       until == r->most_psn && until == psn_add(entry->first_psn, entry->packets);
}

static void complete(struct ibv_qp *const qp)
{
	struct ibv_requester *const r = &qp->requester;

	send_complete(qp, IBV_WC_SUCCESS);
	r->una_psn = r->send_psn;
	r->retries = qp->attr.retry_cnt;
	r->rnr_retries = qp->attr.rnr_retry;
	r->resent = false;
	r->deadline = IBV_NEVER;
	qp_wake(qp);
}

/* The queue pair whose request a packet acknowledges; NULL: it is not this. */
static struct ibv_qp *acknowledged(const struct ibv_context *const context,
	const struct ibv_arrival *const arrival, const uint8_t *const packet)
{
	const uint32_t first = octets_read32(packet);
	const uint32_t number = octets_read32(packet + 4) & BTH_NUMBER;
	struct ibv_qp *const qp = qp_find(context, number);

	if ((first & PAD_VERSION) != 0 || (packet[IB_BTH_BYTES] & IB_AETH_KIND) != IB_AETH_ACK ||
		qp == NULL)
		return NULL;
	return qp->qp_type == IBV_QPT_RC && qp->link == NULL && qp->state == IBV_QPS_RTS &&
			       qp->doom == IBV_WC_SUCCESS && has_pkey(qp, (uint16_t)first) &&
			       is_from_peer(qp, arrival) &&
			       completes(qp, octets_read32(packet + 8) & BTH_NUMBER)
		       ? qp
		       : NULL;
}

/* For this port, from who spoke last; no datagram, whose receiver wants to know more. */
static bool is_expected(
	const struct roce_port *const port, const uint8_t *const frame, union ibv_gid *const source)
{
	union ibv_gid destination;

	plain_gid(source->raw, frame + PLAIN_IP + 12);
	plain_gid(destination.raw, frame + PLAIN_IP + 16);
	return (frame[PLAIN_PACKET] & IB_TRANSPORT_MASK) != IB_TRANSPORT_UD &&
	       gid_same(destination.raw, port->context->gids[PORT_GID_IPV4].raw) &&
	       neighbour_is_known(port->recent) && gid_same(source->raw, port->recent->gid);
}

/* Which it is: the acknowledgement that was waited for, or any packet that decodes. */
static bool is_packet(const struct roce_port *const port, struct straight *const straight)
{
	const uint8_t *const packet = straight->frame + PLAIN_PACKET;

	straight->acknowledged = NULL;
	if (packet[0] == RC_ACK && straight->packet_bytes == ACK_BYTES)
		straight->acknowledged = acknowledged(port->context, &straight->arrival, packet);
	return straight->acknowledged != NULL ||
	       ib_packet_decode(packet, straight->packet_bytes, &straight->packet) == IB_ACCEPTED;
}

bool straight_comes(const struct roce_port *const port, const uint8_t *const frame,
	const unsigned bytes, struct straight *const straight)
{
	const unsigned datagram = plain_judge(frame, bytes);

	if (datagram == 0 || bytes > ROCE_FRAME_BYTES_MOST ||
		!is_expected(port, frame, &straight->arrival.source))
		return false;
	straight->frame = frame;
	straight->packet_bytes = datagram - UDP_AND_CRC;
	straight->arrival.grh = NULL;
	straight->arrival.slid = 0;
	straight->arrival.sl = 0;
	return is_packet(port, straight);
}

static bool is_whole(const struct straight *const straight)
{
	const uint8_t *const packet = straight->frame + PLAIN_PACKET;

	return roce_icrc(straight->frame + PLAIN_IP,
		       PLAIN_PACKET - PLAIN_IP + straight->packet_bytes) ==
	       plain_load32(packet + straight->packet_bytes);
}

void straight_take(struct roce_port *const port, const uint64_t now_ticks,
	const struct straight *const straight)
{
	if (!is_whole(straight)) {
		port->refused[IB_REFUSED_ICRC]++;
		return;
	}
	port->refused[IB_ACCEPTED]++;
	if (straight->acknowledged == NULL) {
		ibv_receive(port->context, now_ticks, &straight->arrival, &straight->packet);
		return;
	}
	complete(straight->acknowledged);
	port->context->dropped[IBV_DROP_NONE]++;
}
