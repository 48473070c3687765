/*
 * What the codecs read in a capture, one line for each RoCEv2 frame, for a second opinion: NAME=NUMBER words that
 * begin with the frame's number, named as Wireshark names its fields.
 *
 * usage: wire_fields FILE.pcap. Exit 2: usage, or a file that is no capture.
 */
#include <inttypes.h>

#include <ib/cm.h>
#include <ib/roce.h>
#include <inet/octets.h>

#include "capture.h"

static unsigned number;

static void word(const char *const name, const uint64_t value)
{
	printf(" %s=%" PRIu64, name, value);
}

static void print_extended(const struct ib_packet *const packet)
{
	const unsigned layout = ib_opcode_layout(packet->bth.opcode);

	if (layout & IB_HAS_DETH) {
		word("deth.q_key", packet->deth.qkey);
		word("deth.srcqp", packet->deth.source);
	}
	if (layout & IB_HAS_RETH) {
		word("reth.va", packet->reth.address);
		word("reth.r_key", packet->reth.rkey);
		word("reth.dmalen", packet->reth.bytes);
	}
	if (layout & IB_HAS_AETH) {
		word("aeth.syndrome", packet->aeth.syndrome);
		word("aeth.msn", packet->aeth.msn);
	}
	if (layout & IB_HAS_ATOMIC) {
		word("reth.va", packet->atomic.address);
		word("reth.r_key", packet->atomic.rkey);
		word("atomiceth.swapdt", packet->atomic.swap_add);
		word("atomiceth.cmpdt", packet->atomic.compare);
	}
	if (layout & IB_HAS_ATOMIC_ACK)
		word("atomicacketh.origremdt", packet->atomic_ack.original);
	if (layout & IB_HAS_IMMEDIATE)
		word("immdt", packet->immediate);
	if (layout & IB_HAS_IETH)
		word("ieth", packet->invalidate);
}

static void print_req(const struct cm_req *const req)
{
	word("cm.req", req->local_id);
	word("cm.req.serviceid", req->service_id);
	word("cm.req.localcaguid", req->local_ca_guid);
	word("cm.req.localqpn", req->local_qpn);
	word("cm.req.responderres", req->responder_resources);
	word("cm.req.initdepth", req->initiator_depth);
	word("cm.req.remoteresptout", req->remote_timeout);
	word("cm.req.transpsvctype", req->transport);
	word("cm.req.e2eflowctrl", req->flow_control);
	word("cm.req.startpsn", req->starting_psn);
	word("cm.req.localresptout", req->local_timeout);
	word("cm.req.retrcount", req->retry_count);
	word("cm.req.pkey", req->pkey);
	word("cm.req.pppmtu", req->mtu);
	word("cm.req.rnrretrcount", req->rnr_retry_count);
	word("cm.req.maxcmretr", req->cm_retries);
	word("cm.req.srq", req->srq);
	word("cm.req.prim_flowlabel", req->primary.flow_label);
	word("cm.req.prim_pktrate", req->primary.packet_rate);
	word("cm.req.prim_tfcclass", req->primary.traffic_class);
	word("cm.req.prim_hoplim", req->primary.hop_limit);
	word("cm.req.prim_sl", req->primary.sl);
	word("cm.req.prim_localacktout", req->primary.ack_timeout);
}

static void print_rep(const struct cm_rep *const rep)
{
	word("cm.rep", rep->local_id);
	word("cm.rep.remotecommid", rep->remote_id);
	word("cm.rep.localqpn", rep->local_qpn);
	word("cm.rep.startpsn", rep->starting_psn);
	word("cm.rep.respres", rep->responder_resources);
	word("cm.rep.initdepth", rep->initiator_depth);
	word("cm.rep.tgtackdelay", rep->target_ack_delay);
	word("cm.rep.rnrretrcount", rep->rnr_retry_count);
	word("cm.rep.localcaguid", rep->local_ca_guid);
}

static void print_message(const struct ib_packet *const packet)
{
	static struct cm_message message;

	if (cm_decode(packet->payload, packet->payload_bytes, &message) != IB_ACCEPTED)
		return;
	if (message.header.attribute == CM_REQ)
		print_req(&message.req);
	if (message.header.attribute == CM_REP)
		print_rep(&message.rep);
}

static void print_frame(const uint8_t *const data, const unsigned bytes)
{
	static struct roce_frame frame;
	const struct ib_bth *const bth = &frame.packet.bth;

	number++;
	if (roce_decode(data, bytes, &frame) != IB_ACCEPTED)
		return;
	printf("%u", number);
	word("bth.opcode", bth->opcode);
	word("bth.se", bth->solicited);
	word("bth.m", bth->migrated);
	word("bth.padcnt", bth->pad_bytes);
	word("bth.tver", bth->version);
	word("bth.p_key", bth->pkey);
	word("bth.destqp", bth->destination);
	word("bth.a", bth->acknowledge);
	word("bth.psn", bth->psn);
	print_extended(&frame.packet);
	word("invariant.crc", octets_read32(data + roce_bytes(&frame) - IB_ICRC_BYTES));
	if (ib_opcode_layout(bth->opcode) & IB_HAS_DETH && bth->destination == IB_QPN_GSI)
		print_message(&frame.packet);
	printf("\n");
}

int main(const int argc, char **const argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: wire_fields FILE.pcap\n");
		return 2;
	}
	return capture_each(argv[1], print_frame) ? 0 : 2;
}
