/*
 * Messages of the communication manager: one table of fields for each, and where their byte strings are.
 *
 * Bytes are counted from the datagram's first; the specification counts from the 24th. Specification: IBTA
 * volume 1, 12.6.5 to 12.6.11, 12.11; annex A11.
 */
#include <ib/cm.h>
#include <ib/fields.h>
#include <ib/gid.h>
#include <inet/octets.h>

#define CM_CLASS_VERSION 2u
#define AT(byte)         (MAD_HEADER_BYTES + (byte))
#define PATH_PRIMARY     AT(52u)
#define PATH_ALTERNATE   AT(96u)
#define PATH_LOCAL_GID   4u
#define PATH_REMOTE_GID  20u
#define MESSAGES         9u

static const struct ib_field req_fields[] = {
	IB_FIELD(cm_req, local_id, AT(0), 0, 32),
	IB_FIELD(cm_req, service_id, AT(8), 0, 64),
	IB_FIELD(cm_req, local_ca_guid, AT(16), 0, 64),
	IB_FIELD(cm_req, local_qkey, AT(28), 0, 32),
	IB_FIELD(cm_req, local_qpn, AT(32), 0, 24),
	IB_FIELD(cm_req, responder_resources, AT(35), 0, 8),
	IB_FIELD(cm_req, local_eecn, AT(36), 0, 24),
	IB_FIELD(cm_req, initiator_depth, AT(39), 0, 8),
	IB_FIELD(cm_req, remote_eecn, AT(40), 0, 24),
	IB_FIELD(cm_req, remote_timeout, AT(43), 0, 5),
	IB_FIELD(cm_req, transport, AT(43), 5, 2),
	IB_FIELD(cm_req, flow_control, AT(43), 7, 1),
	IB_FIELD(cm_req, starting_psn, AT(44), 0, 24),
	IB_FIELD(cm_req, local_timeout, AT(47), 0, 5),
	IB_FIELD(cm_req, retry_count, AT(47), 5, 3),
	IB_FIELD(cm_req, pkey, AT(48), 0, 16),
	IB_FIELD(cm_req, mtu, AT(50), 0, 4),
	IB_FIELD(cm_req, rdc_exists, AT(50), 4, 1),
	IB_FIELD(cm_req, rnr_retry_count, AT(50), 5, 3),
	IB_FIELD(cm_req, cm_retries, AT(51), 0, 4),
	IB_FIELD(cm_req, srq, AT(51), 4, 1),
	IB_FIELD(cm_req, extended_transport, AT(51), 5, 3),
};

static const struct ib_field path_fields[] = {
	IB_FIELD(cm_path, local_lid, 0, 0, 16),
	IB_FIELD(cm_path, remote_lid, 2, 0, 16),
	IB_FIELD(cm_path, flow_label, 36, 0, 20),
	IB_FIELD(cm_path, packet_rate, 39, 2, 6),
	IB_FIELD(cm_path, traffic_class, 40, 0, 8),
	IB_FIELD(cm_path, hop_limit, 41, 0, 8),
	IB_FIELD(cm_path, sl, 42, 0, 4),
	IB_FIELD(cm_path, subnet_local, 42, 4, 1),
	IB_FIELD(cm_path, ack_timeout, 43, 0, 5),
};

static const struct ib_field mra_fields[] = {
	IB_FIELD(cm_mra, local_id, AT(0), 0, 32),
	IB_FIELD(cm_mra, remote_id, AT(4), 0, 32),
	IB_FIELD(cm_mra, message, AT(8), 0, 2),
	IB_FIELD(cm_mra, service_timeout, AT(9), 0, 5),
};

static const struct ib_field rej_fields[] = {
	IB_FIELD(cm_rej, local_id, AT(0), 0, 32),
	IB_FIELD(cm_rej, remote_id, AT(4), 0, 32),
	IB_FIELD(cm_rej, message, AT(8), 0, 2),
	IB_FIELD(cm_rej, additional_bytes, AT(9), 0, 7),
	IB_FIELD(cm_rej, reason, AT(10), 0, 16),
};

static const struct ib_field rep_fields[] = {
	IB_FIELD(cm_rep, local_id, AT(0), 0, 32),
	IB_FIELD(cm_rep, remote_id, AT(4), 0, 32),
	IB_FIELD(cm_rep, local_qkey, AT(8), 0, 32),
	IB_FIELD(cm_rep, local_qpn, AT(12), 0, 24),
	IB_FIELD(cm_rep, local_eecn, AT(16), 0, 24),
	IB_FIELD(cm_rep, starting_psn, AT(20), 0, 24),
	IB_FIELD(cm_rep, responder_resources, AT(24), 0, 8),
	IB_FIELD(cm_rep, initiator_depth, AT(25), 0, 8),
	IB_FIELD(cm_rep, target_ack_delay, AT(26), 0, 5),
	IB_FIELD(cm_rep, failover, AT(26), 5, 2),
	IB_FIELD(cm_rep, flow_control, AT(26), 7, 1),
	IB_FIELD(cm_rep, rnr_retry_count, AT(27), 0, 3),
	IB_FIELD(cm_rep, srq, AT(27), 3, 1),
	IB_FIELD(cm_rep, local_ca_guid, AT(28), 0, 64),
};

static const struct ib_field rtu_fields[] = {
	IB_FIELD(cm_rtu, local_id, AT(0), 0, 32),
	IB_FIELD(cm_rtu, remote_id, AT(4), 0, 32),
};

static const struct ib_field dreq_fields[] = {
	IB_FIELD(cm_dreq, local_id, AT(0), 0, 32),
	IB_FIELD(cm_dreq, remote_id, AT(4), 0, 32),
	IB_FIELD(cm_dreq, remote_qpn, AT(8), 0, 24),
};

static const struct ib_field drep_fields[] = {
	IB_FIELD(cm_drep, local_id, AT(0), 0, 32),
	IB_FIELD(cm_drep, remote_id, AT(4), 0, 32),
};

static const struct ib_field sidr_req_fields[] = {
	IB_FIELD(cm_sidr_req, request_id, AT(0), 0, 32),
	IB_FIELD(cm_sidr_req, pkey, AT(4), 0, 16),
	IB_FIELD(cm_sidr_req, service_id, AT(8), 0, 64),
};

static const struct ib_field sidr_rep_fields[] = {
	IB_FIELD(cm_sidr_rep, request_id, AT(0), 0, 32),
	IB_FIELD(cm_sidr_rep, status, AT(4), 0, 8),
	IB_FIELD(cm_sidr_rep, additional_bytes, AT(5), 0, 8),
	IB_FIELD(cm_sidr_rep, qpn, AT(8), 0, 24),
	IB_FIELD(cm_sidr_rep, service_id, AT(12), 0, 64),
	IB_FIELD(cm_sidr_rep, qkey, AT(20), 0, 32),
};

/* Private data ends with the datagram; additional information is there where its place is not 0. */
struct layout {
	const struct ib_field *fields;
	uint8_t count;
	uint8_t private_at, additional_at;
	uint16_t private_member, additional_member;
	const char *name;
};

#define FIELDS(table) .fields = (table), .count = sizeof(table) / sizeof(*(table))

static const struct layout layouts[MESSAGES] = {
	{ FIELDS(req_fields), AT(140), 0, offsetof(struct cm_req, private_data), 0, "req" },
	{ FIELDS(mra_fields), AT(10), 0, offsetof(struct cm_mra, private_data), 0, "mra" },
	{ FIELDS(rej_fields), AT(84), AT(12), offsetof(struct cm_rej, private_data),
		offsetof(struct cm_rej, additional), "rej" },
	{ FIELDS(rep_fields), AT(36), 0, offsetof(struct cm_rep, private_data), 0, "rep" },
	{ FIELDS(rtu_fields), AT(8), 0, offsetof(struct cm_rtu, private_data), 0, "rtu" },
	{ FIELDS(dreq_fields), AT(12), 0, offsetof(struct cm_dreq, private_data), 0, "dreq" },
	{ FIELDS(drep_fields), AT(8), 0, offsetof(struct cm_drep, private_data), 0, "drep" },
	{ FIELDS(sidr_req_fields), AT(16), 0, offsetof(struct cm_sidr_req, private_data), 0,
		"sidr req" },
	{ FIELDS(sidr_rep_fields), AT(96), AT(24), offsetof(struct cm_sidr_rep, private_data),
		offsetof(struct cm_sidr_rep, additional), "sidr rep" },
};

static bool is_known(const uint16_t attribute)
{
	return attribute >= CM_REQ && attribute < CM_REQ + MESSAGES;
}

/* ---- Paths of a REQ ---- */

static void path_decode(const uint8_t *const data, struct cm_path *const path)
{
	ib_fields_decode(IB_FIELDS(path_fields), data, path);
	gid_copy(path->local_gid, data + PATH_LOCAL_GID);
	gid_copy(path->remote_gid, data + PATH_REMOTE_GID);
}

static void path_encode(const struct cm_path *const path, uint8_t *const data)
{
	ib_fields_encode(IB_FIELDS(path_fields), path, data);
	gid_copy(data + PATH_LOCAL_GID, path->local_gid);
	gid_copy(data + PATH_REMOTE_GID, path->remote_gid);
}

/* ---- Messages ---- */

static enum ib_refusal judge_additional(const struct cm_message *const message)
{
	const uint16_t attribute = message->header.attribute;

	if (attribute == CM_REJ && message->rej.additional_bytes > CM_ADDITIONAL_BYTES)
		return IB_REFUSED_MAD_FIELD;
	if (attribute == CM_SIDR_REP && message->sidr_rep.additional_bytes > CM_ADDITIONAL_BYTES)
		return IB_REFUSED_MAD_FIELD;
	return IB_ACCEPTED;
}

static enum ib_refusal judge_header(const struct mad_header *const header)
{
	if (header->class != MAD_CLASS_CM)
		return IB_REFUSED_MAD_CLASS;
	if (header->class_version != CM_CLASS_VERSION)
		return IB_REFUSED_MAD_VERSION;
	return is_known(header->attribute) ? IB_ACCEPTED : IB_REFUSED_MAD_ATTRIBUTE;
}

static void body_decode(
	const struct layout *const layout, const uint8_t *const data, uint8_t *const body)
{
	ib_fields_decode(layout->fields, layout->count, data, body);
	ib_bytes_copy(body + layout->private_member, data + layout->private_at,
		MAD_BYTES - layout->private_at);
	if (layout->additional_at != 0)
		ib_bytes_copy(body + layout->additional_member, data + layout->additional_at,
			CM_ADDITIONAL_BYTES);
}

enum ib_refusal cm_decode(
	const uint8_t *const data, const unsigned bytes, struct cm_message *const message)
{
	enum ib_refusal refusal = mad_header_decode(data, bytes, &message->header);

	if (refusal == IB_ACCEPTED)
		refusal = judge_header(&message->header);
	if (refusal != IB_ACCEPTED)
		return refusal;
	body_decode(&layouts[message->header.attribute - CM_REQ], data, (uint8_t *)&message->req);
	if (message->header.attribute == CM_REQ) {
		path_decode(data + PATH_PRIMARY, &message->req.primary);
		path_decode(data + PATH_ALTERNATE, &message->req.alternate);
	}
	return judge_additional(message);
}

static void body_encode(
	const struct layout *const layout, const uint8_t *const body, uint8_t *const data)
{
	ib_fields_encode(layout->fields, layout->count, body, data);
	ib_bytes_copy(data + layout->private_at, body + layout->private_member,
		MAD_BYTES - layout->private_at);
	if (layout->additional_at != 0)
		ib_bytes_copy(data + layout->additional_at, body + layout->additional_member,
			CM_ADDITIONAL_BYTES);
}

bool cm_encode(const struct cm_message *const message, uint8_t data[const MAD_BYTES])
{
	if (!is_known(message->header.attribute) || judge_additional(message) != IB_ACCEPTED)
		return false;
	ib_datagram_clear(data);
	mad_header_encode(&message->header, data);
	body_encode(
		&layouts[message->header.attribute - CM_REQ], (const uint8_t *)&message->req, data);
	if (message->header.attribute == CM_REQ) {
		path_encode(&message->req.primary, data + PATH_PRIMARY);
		path_encode(&message->req.alternate, data + PATH_ALTERNATE);
	}
	return true;
}

void cm_header(struct mad_header *const header, const enum cm_attribute attribute,
	const uint64_t transaction)
{
	*header = (struct mad_header){ .base_version = MAD_BASE_VERSION,
		.class = MAD_CLASS_CM,
		.class_version = CM_CLASS_VERSION,
		.method = MAD_METHOD_SEND,
		.transaction = transaction,
		.attribute = (uint16_t)attribute };
}

const char *cm_name(const uint16_t attribute)
{
	return is_known(attribute) ? layouts[attribute - CM_REQ].name : "unknown";
}

/* ---- rdma_cm's part of the private data ---- */

void cm_ip_decode(const uint8_t data[const CM_IP_BYTES], struct cm_ip *const ip)
{
	ip->version = data[0];
	ip->ip_version = data[1] >> 4;
	ip->source_port = octets_read16(data + 2);
	gid_copy(ip->source, data + 4);
	gid_copy(ip->destination, data + 20);
}

void cm_ip_encode(const struct cm_ip *const ip, uint8_t data[const CM_IP_BYTES])
{
	data[0] = ip->version;
	data[1] = (uint8_t)(ip->ip_version << 4);
	octets_write16(data + 2, ip->source_port);
	gid_copy(data + 4, ip->source);
	gid_copy(data + 20, ip->destination);
}
