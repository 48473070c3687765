/*
 * Statuses of completions and reasons of drops, in words.
 */
#include <ib/state.h>

static const char *const statuses[] = {
	[IBV_WC_SUCCESS] = "success",
	[IBV_WC_LOC_LEN_ERR] = "local length error",
	[IBV_WC_LOC_QP_OP_ERR] = "local QP operation error",
	[IBV_WC_LOC_EEC_OP_ERR] = "local EE context operation error",
	[IBV_WC_LOC_PROT_ERR] = "local protection error",
	[IBV_WC_WR_FLUSH_ERR] = "flushed",
	[IBV_WC_MW_BIND_ERR] = "memory window bind error",
	[IBV_WC_BAD_RESP_ERR] = "bad response",
	[IBV_WC_LOC_ACCESS_ERR] = "local access error",
	[IBV_WC_REM_INV_REQ_ERR] = "remote invalid request",
	[IBV_WC_REM_ACCESS_ERR] = "remote access error",
	[IBV_WC_REM_OP_ERR] = "remote operation error",
	[IBV_WC_RETRY_EXC_ERR] = "retries exceeded",
	[IBV_WC_RNR_RETRY_EXC_ERR] = "receiver not ready, retries exceeded",
	[IBV_WC_LOC_RDD_VIOL_ERR] = "local RDD violation",
	[IBV_WC_REM_INV_RD_REQ_ERR] = "remote invalid RD request",
	[IBV_WC_REM_ABORT_ERR] = "aborted by the remote end",
	[IBV_WC_INV_EECN_ERR] = "invalid EE context number",
	[IBV_WC_INV_EEC_STATE_ERR] = "invalid EE context state",
	[IBV_WC_FATAL_ERR] = "fatal error",
	[IBV_WC_RESP_TIMEOUT_ERR] = "response timeout",
	[IBV_WC_GENERAL_ERR] = "general error",
};

static const char *const drops[] = {
	[IBV_DROP_NONE] = "none",
	[IBV_DROP_QP] = "qp",
	[IBV_DROP_STATE] = "state",
	[IBV_DROP_TRANSPORT] = "transport",
	[IBV_DROP_PKEY] = "pkey",
	[IBV_DROP_QKEY] = "qkey",
	[IBV_DROP_SOURCE] = "source",
	[IBV_DROP_PSN] = "psn",
	[IBV_DROP_DUPLICATE] = "duplicate",
	[IBV_DROP_OPCODE] = "opcode",
	[IBV_DROP_LENGTH] = "length",
	[IBV_DROP_ACCESS] = "access",
	[IBV_DROP_RECEIVE] = "receive",
	[IBV_DROP_TOO_LONG] = "too-long",
	[IBV_DROP_RESOURCE] = "resource",
	[IBV_DROP_RESPONSE] = "response",
	[IBV_DROP_CONGESTION] = "congestion",
};

_Static_assert(sizeof(drops) / sizeof(drops[0]) == IBV_DROPS, "every reason has a name");

const char *ibv_wc_status_str(const enum ibv_wc_status status)
{
	const unsigned index = (unsigned)status;

	return index < sizeof(statuses) / sizeof(statuses[0]) ? statuses[index] : "unknown";
}

const char *ibv_drop_name(const enum ibv_drop drop)
{
	return (unsigned)drop < IBV_DROPS ? drops[drop] : "unknown";
}
