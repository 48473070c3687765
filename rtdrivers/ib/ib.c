/*
 * The names of the reasons for which bytes are refused: one for each, told apart by nothing else.
 */
#include <ib/ib.h>

static const char *const names[IB_REFUSALS] = {
	[IB_ACCEPTED] = "accepted",
	[IB_REFUSED_SHORT] = "short",
	[IB_REFUSED_LONG] = "long",
	[IB_REFUSED_NOT_ROCE] = "not roce",
	[IB_REFUSED_IP_HEADER] = "ip header",
	[IB_REFUSED_IP_FRAGMENT] = "ip fragment",
	[IB_REFUSED_IP_CHECKSUM] = "ip checksum",
	[IB_REFUSED_UDP_LENGTH] = "udp length",
	[IB_REFUSED_UDP_CHECKSUM] = "udp checksum",
	[IB_REFUSED_BTH_VERSION] = "bth version",
	[IB_REFUSED_OPCODE] = "opcode",
	[IB_REFUSED_PADDING] = "padding",
	[IB_REFUSED_PAYLOAD] = "payload",
	[IB_REFUSED_ICRC] = "icrc",
	[IB_REFUSED_LRH] = "lrh",
	[IB_REFUSED_LRH_LENGTH] = "lrh length",
	[IB_REFUSED_GRH] = "grh",
	[IB_REFUSED_MAD_VERSION] = "mad version",
	[IB_REFUSED_MAD_CLASS] = "mad class",
	[IB_REFUSED_MAD_ATTRIBUTE] = "mad attribute",
	[IB_REFUSED_MAD_FIELD] = "mad field",
};

const char *ib_refusal_name(const enum ib_refusal refusal)
{
	return (unsigned)refusal < IB_REFUSALS ? names[refusal] : "unknown";
}
