/*
 * Hypercalls: few, constant-time, each costing only its caller's time.
 */
#include <mullion/core.h>

static struct hypercall_result answer(int64_t value)
{
	return (struct hypercall_result){ .value = value };
}

/* A stop or shutdown shows in the vcpu's and the node's state: the exit path leaves by itself. */
static struct hypercall_result raise(struct vcpu *vcpu, enum mullion_event event, uint64_t detail)
{
	health_raise(vcpu, event, detail, 0);
	return answer(MULLION_OK);
}

struct hypercall_result hypercall(struct vcpu *vcpu, uint64_t number, uint64_t argument)
{
	switch (number) {
	case MULLION_HC_VERSION:
		return answer(MULLION_ABI_VERSION);
	case MULLION_HC_YIELD:
		return (struct hypercall_result){ .value = MULLION_OK, .leave = true };
	case MULLION_HC_RAISE:
		return raise(vcpu, MULLION_EVENT_RAISED, argument);
	case MULLION_HC_EXIT:
		return raise(vcpu, MULLION_EVENT_EXIT, argument);
	default:
		return answer(MULLION_ENOSYS);
	}
}
