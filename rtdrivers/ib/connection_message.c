/*
 * What a connection says: its message, kept until the next one, so that it can be said again as it was.
 * Invariant: private data of rdma_cm's service IDs begins with the addresses of both sides.
 * Specification: IBTA volume 1, 12.6.5 to 12.6.11, 12.11; annex A11.
 */
#include <ib/connection_state.h>
#include <ib/fields.h>

#define LID_PERMISSIVE  0xffffu /* of paths that are known by GIDs alone */
#define HOPS            64u
#define RATE            3u /* 10 Gbit/s: nobody limits by it here */
#define ACK_DELAY       10u
#define FAILOVER_NONE   1u  /* not supported */
#define SERVICE_TIMEOUT 20u /* of an MRA: 4 s */
#define IP_VERSION_4    4u
#define IP_VERSION_6    6u
#define MESSAGE_REQ     0u /* of REJ and MRA: what they are about */
#define MESSAGE_REP     1u
#define MESSAGE_OTHER   2u

static bool is_ip(const uint64_t service_id)
{
	return (service_id & CM_IP_SERVICE_MASK) == CM_IP_SERVICE;
}

static void keep(struct connection *const connection, struct cm_message *const message,
	const enum cm_attribute attribute)
{
	cm_header(&message->header, attribute, connection->transaction);
	cm_encode(message, connection->message);
	connection->said = (uint16_t)attribute;
}

void message_say(struct connection *const connection)
{
	wire_send(connection->table, &connection->address, connection->message);
}

/* ---- Private data ---- */

static enum connection_error write_private(
	uint8_t *const field, const unsigned room, const void *const data, const unsigned bytes)
{
	if (bytes > room)
		return CONNECTION_PRIVATE;
	if (bytes != 0)
		ib_bytes_copy(field, data, bytes);
	return CONNECTION_GOOD;
}

static void put_ip_address(uint8_t *const to, const uint8_t *const gid)
{
	if (gid_is_ipv4(gid))
		octets_write32(to + GID_IPV4_AT, gid_to_ipv4(gid));
	else
		gid_copy(to, gid);
}

static void write_ip(
	const struct connection *const connection, uint8_t *const field, const uint16_t source_port)
{
	const struct ibv_global_route *const route = &connection->address.grh;
	struct cm_ip ip = { .source_port = source_port };

	ip.ip_version = gid_is_ipv4(route->dgid.raw) ? IP_VERSION_4 : IP_VERSION_6;
	put_ip_address(ip.source, connection->table->context->gids[route->sgid_index].raw);
	put_ip_address(ip.destination, route->dgid.raw);
	cm_ip_encode(&ip, field);
}

/* With the addresses in front, where the service ID is one of rdma_cm's. */
static enum connection_error write_asked(const struct connection *const connection,
	uint8_t *const field, const unsigned room, const uint16_t source_port,
	const void *const data, const unsigned bytes)
{
	const unsigned at = is_ip(connection->service_id) ? CM_IP_BYTES : 0;

	if (at != 0)
		write_ip(connection, field, source_port);
	return write_private(field + at, room - at, data, bytes);
}

static void read_private(
	struct connection_event *const event, const uint8_t *const field, const unsigned bytes)
{
	event->private_bytes = (uint8_t)bytes;
	ib_bytes_copy(event->private_data, field, bytes);
}

static void read_asked(struct connection_event *const event, const uint64_t service_id,
	const uint8_t *const field, const unsigned bytes)
{
	event->has_ip = is_ip(service_id);
	if (event->has_ip)
		cm_ip_decode(field, &event->ip);
	read_private(event, field + (event->has_ip ? CM_IP_BYTES : 0),
		bytes - (event->has_ip ? CM_IP_BYTES : 0));
}

void message_private(const struct cm_message *const m, struct connection_event *const event)
{
	switch (m->header.attribute) {
	case CM_REQ:
		read_asked(event, m->req.service_id, m->req.private_data, CM_REQ_PRIVATE);
		break;
	case CM_SIDR_REQ:
		read_asked(event, m->sidr_req.service_id, m->sidr_req.private_data,
			CM_SIDR_REQ_PRIVATE);
		break;
	case CM_REP:
		read_private(event, m->rep.private_data, CM_REP_PRIVATE);
		break;
	case CM_RTU:
		read_private(event, m->rtu.private_data, CM_RTU_PRIVATE);
		break;
	case CM_REJ:
		read_private(event, m->rej.private_data, CM_REJ_PRIVATE);
		break;
	case CM_DREQ:
		read_private(event, m->dreq.private_data, CM_DREQ_PRIVATE);
		break;
	case CM_SIDR_REP:
		read_private(event, m->sidr_rep.private_data, CM_SIDR_REP_PRIVATE);
		break;
	default:
		event->private_bytes = 0;
	}
}

/* ---- Messages ---- */

static struct cm_path path_of(const struct connection *const connection)
{
	const struct ibv_global_route *const route = &connection->address.grh;
	const struct connection_parameters *const own = &connection->own;
	struct cm_path path = { .local_lid = LID_PERMISSIVE,
		.remote_lid = LID_PERMISSIVE,
		.packet_rate = RATE,
		.traffic_class = own->traffic_class,
		.hop_limit = HOPS,
		.sl = own->sl,
		.ack_timeout = own->ack_timeout != 0 ? own->ack_timeout : ACK_DELAY + 4 };

	gid_copy(path.local_gid, connection->table->context->gids[route->sgid_index].raw);
	gid_copy(path.remote_gid, route->dgid.raw);
	return path;
}

enum connection_error message_req(struct connection *const connection,
	const struct connection_target *const target, const struct connection_parameters *const own)
{
	const struct connections *const table = connection->table;
	struct cm_message m = { .req = { .local_id = connection->local_id,
					.service_id = target->service_id,
					.local_ca_guid = table->guid,
					.local_qpn = connection->qp_num,
					.responder_resources = own->responder_resources,
					.initiator_depth = own->initiator_depth,
					.remote_timeout = table->setup.response_timeout,
					.local_timeout = table->setup.response_timeout,
					.transport = connection->transport,
					.starting_psn = connection->receive_psn,
					.retry_count = own->retry_count,
					.rnr_retry_count = own->rnr_retry_count,
					.pkey = table->context->pkeys[connection->pkey_index],
					.mtu = (uint8_t)connection->mtu,
					.cm_retries = table->setup.retries,
					.primary = path_of(connection) } };
	const enum connection_error error = write_asked(connection, m.req.private_data,
		CM_REQ_PRIVATE, target->source_port, own->private_data, own->private_bytes);

	if (error == CONNECTION_GOOD)
		keep(connection, &m, CM_REQ);
	return error;
}

static uint8_t least(const uint8_t a, const uint8_t b)
{
	return a < b ? a : b;
}

enum connection_error message_rep(
	struct connection *const connection, const struct connection_parameters *const own)
{
	struct cm_message m = {
		.rep = { .local_id = connection->local_id,
			.remote_id = connection->remote_id,
			.local_qpn = connection->qp_num,
			.starting_psn = connection->receive_psn,
			.responder_resources =
				least(own->responder_resources, connection->peer_depth),
			.initiator_depth = least(own->initiator_depth, connection->peer_resources),
			.target_ack_delay = ACK_DELAY,
			.failover = FAILOVER_NONE,
			.rnr_retry_count = own->rnr_retry_count,
			.local_ca_guid = connection->table->guid }
	};
	const enum connection_error error = write_private(
		m.rep.private_data, CM_REP_PRIVATE, own->private_data, own->private_bytes);

	if (error == CONNECTION_GOOD)
		keep(connection, &m, CM_REP);
	return error;
}

enum connection_error message_sidr_req(struct connection *const connection,
	const struct connection_target *const target, const void *const private_data,
	const unsigned private_bytes)
{
	struct cm_message m = {
		.sidr_req = { .request_id = connection->local_id,
			.pkey = connection->table->context->pkeys[connection->pkey_index],
			.service_id = target->service_id }
	};
	const enum connection_error error = write_asked(connection, m.sidr_req.private_data,
		CM_SIDR_REQ_PRIVATE, target->source_port, private_data, private_bytes);

	if (error == CONNECTION_GOOD)
		keep(connection, &m, CM_SIDR_REQ);
	return error;
}

enum connection_error message_sidr_rep(struct connection *const connection, const uint8_t status,
	const struct ibv_qp *const qp, const void *const private_data, const unsigned private_bytes)
{
	struct cm_message m = { .sidr_rep = { .request_id = connection->remote_id,
					.status = status,
					.service_id = connection->service_id } };
	const enum connection_error error = write_private(
		m.sidr_rep.private_data, CM_SIDR_REP_PRIVATE, private_data, private_bytes);

	if (qp != NULL) {
		m.sidr_rep.qpn = qp->qp_num;
		m.sidr_rep.qkey = qp->attr.qkey;
	}
	if (error == CONNECTION_GOOD)
		keep(connection, &m, CM_SIDR_REP);
	return error;
}

static uint8_t about(const struct connection *const connection)
{
	if (connection->state == CONNECTION_REQ_RECEIVED)
		return MESSAGE_REQ;
	return connection->active ? MESSAGE_REP : MESSAGE_OTHER;
}

enum connection_error message_rej(struct connection *const connection, const enum cm_reject reason,
	const void *const private_data, const unsigned private_bytes)
{
	struct cm_message m = { .rej = { .local_id = connection->local_id,
					.remote_id = connection->remote_id,
					.message = about(connection),
					.reason = (uint16_t)reason } };
	const enum connection_error error =
		write_private(m.rej.private_data, CM_REJ_PRIVATE, private_data, private_bytes);

	if (error == CONNECTION_GOOD)
		keep(connection, &m, CM_REJ);
	return error;
}

void message_plain(struct connection *const connection, const enum cm_attribute attribute)
{
	struct cm_message m = { .rtu = { connection->local_id, connection->remote_id, { 0 } } };

	if (attribute == CM_DREQ) {
		m.dreq.remote_qpn = connection->remote_qpn;
	} else if (attribute == CM_MRA) {
		m.mra.message = MESSAGE_REQ;
		m.mra.service_timeout = SERVICE_TIMEOUT;
	}
	keep(connection, &m, attribute);
}
