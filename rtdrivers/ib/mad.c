/*
 * Management datagrams' headers. Specification: IBTA volume 1, 13.4.2, 14.2.1, 15.2.1, 13.6.2.
 */
#include <ib/fields.h>
#include <ib/mad.h>
#include <inet/octets.h>

#define SMP_CLASS_VERSION 1u
#define SA_CLASS_VERSION  2u

#define SMP_DATA_AT    64u
#define SMP_FORWARD_AT 128u
#define SMP_BACK_AT    192u
#define SA_DATA_AT     56u

static const struct ib_field smp_fields[] = {
	IB_FIELD(smp, mkey, 24, 0, 64),
};

static const struct ib_field directed_fields[] = {
	IB_FIELD(smp, hop_pointer, 6, 0, 8),
	IB_FIELD(smp, hop_count, 7, 0, 8),
	IB_FIELD(smp, mkey, 24, 0, 64),
	IB_FIELD(smp, source, 32, 0, 16),
	IB_FIELD(smp, destination, 34, 0, 16),
};

static const struct ib_field sa_fields[] = {
	IB_FIELD(sa, rmpp.version, 24, 0, 8),
	IB_FIELD(sa, rmpp.type, 25, 0, 8),
	IB_FIELD(sa, rmpp.flags, 26, 0, 8),
	IB_FIELD(sa, rmpp.status, 27, 0, 8),
	IB_FIELD(sa, rmpp.first, 28, 0, 32),
	IB_FIELD(sa, rmpp.second, 32, 0, 32),
	IB_FIELD(sa, sm_key, 36, 0, 64),
	IB_FIELD(sa, attribute_offset, 44, 0, 16),
	IB_FIELD(sa, components, 48, 0, 64),
};

enum ib_refusal mad_header_decode(
	const uint8_t *const data, const unsigned bytes, struct mad_header *const header)
{
	if (bytes < MAD_BYTES)
		return IB_REFUSED_SHORT;
	if (bytes > MAD_BYTES)
		return IB_REFUSED_LONG;
	header->base_version = data[0];
	header->class = data[1];
	header->class_version = data[2];
	header->method = data[3];
	header->status = octets_read16(data + 4);
	header->specific = octets_read16(data + 6);
	header->transaction = octets_read64(data + 8);
	header->attribute = octets_read16(data + 16);
	header->modifier = octets_read32(data + 20);
	return header->base_version == MAD_BASE_VERSION ? IB_ACCEPTED : IB_REFUSED_MAD_VERSION;
}

void mad_header_encode(const struct mad_header *const header, uint8_t data[const MAD_HEADER_BYTES])
{
	data[0] = header->base_version;
	data[1] = header->class;
	data[2] = header->class_version;
	data[3] = header->method;
	octets_write16(data + 4, header->status);
	octets_write16(data + 6, header->specific);
	octets_write64(data + 8, header->transaction);
	octets_write16(data + 16, header->attribute);
	octets_write16(data + 18, 0);
	octets_write32(data + 20, header->modifier);
}

static void path_decode(const uint8_t *const data, struct smp *const smp)
{
	ib_fields_decode(IB_FIELDS(directed_fields), data, smp);
	ib_bytes_copy(smp->forward, data + SMP_FORWARD_AT, sizeof(smp->forward));
	ib_bytes_copy(smp->back, data + SMP_BACK_AT, sizeof(smp->back));
}

enum ib_refusal smp_decode(const uint8_t *const data, const unsigned bytes, struct smp *const smp)
{
	const enum ib_refusal refusal = mad_header_decode(data, bytes, &smp->header);

	if (refusal != IB_ACCEPTED)
		return refusal;
	if (smp->header.class != MAD_CLASS_SUBN_LID && smp->header.class != MAD_CLASS_SUBN_DIRECTED)
		return IB_REFUSED_MAD_CLASS;
	if (smp->header.class_version != SMP_CLASS_VERSION)
		return IB_REFUSED_MAD_VERSION;
	ib_bytes_copy(smp->data, data + SMP_DATA_AT, SMP_DATA_BYTES);
	if (smp->header.class == MAD_CLASS_SUBN_LID) {
		ib_fields_decode(IB_FIELDS(smp_fields), data, smp);
		return IB_ACCEPTED;
	}
	path_decode(data, smp);
	/* One beyond the last hop is where a way back begins; 14.2.2.1. */
	return smp->hop_count > SMP_HOPS_MOST || smp->hop_pointer > smp->hop_count + 1u
		       ? IB_REFUSED_MAD_FIELD
		       : IB_ACCEPTED;
}

void smp_encode(const struct smp *const smp, uint8_t data[const MAD_BYTES])
{
	ib_datagram_clear(data);
	mad_header_encode(&smp->header, data);
	ib_bytes_copy(data + SMP_DATA_AT, smp->data, SMP_DATA_BYTES);
	if (smp->header.class != MAD_CLASS_SUBN_DIRECTED) {
		ib_fields_encode(IB_FIELDS(smp_fields), smp, data);
		return;
	}
	ib_fields_encode(IB_FIELDS(directed_fields), smp, data);
	ib_bytes_copy(data + SMP_FORWARD_AT, smp->forward, sizeof(smp->forward));
	ib_bytes_copy(data + SMP_BACK_AT, smp->back, sizeof(smp->back));
}

enum ib_refusal sa_decode(const uint8_t *const data, const unsigned bytes, struct sa *const sa)
{
	const enum ib_refusal refusal = mad_header_decode(data, bytes, &sa->header);

	if (refusal != IB_ACCEPTED)
		return refusal;
	if (sa->header.class != MAD_CLASS_SUBN_ADM)
		return IB_REFUSED_MAD_CLASS;
	if (sa->header.class_version != SA_CLASS_VERSION)
		return IB_REFUSED_MAD_VERSION;
	ib_fields_decode(IB_FIELDS(sa_fields), data, sa);
	ib_bytes_copy(sa->data, data + SA_DATA_AT, SA_DATA_BYTES);
	return IB_ACCEPTED;
}

void sa_encode(const struct sa *const sa, uint8_t data[const MAD_BYTES])
{
	ib_datagram_clear(data);
	mad_header_encode(&sa->header, data);
	ib_fields_encode(IB_FIELDS(sa_fields), sa, data);
	ib_bytes_copy(data + SA_DATA_AT, sa->data, SA_DATA_BYTES);
}
