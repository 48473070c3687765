/*
 * What the two halves of a local link share. Not for programs.
 */
#ifndef RTDRIVERS_IB_LOCAL_STATE_H
#define RTDRIVERS_IB_LOCAL_STATE_H

#include <ib/local.h>
#include <ib/state.h>

#define LOCAL_STEP_BYTES 4096u
#define LOCAL_STEPS      16u

/* One step of the oldest request that the other end has answered; false: none. At most 5800 instructions. */
bool local_take(struct ibv_local_link *link);

/* One step of the other end's oldest request; false: none, or it has to wait. At most 6000 instructions. */
bool local_serve(struct ibv_local_link *link);

#endif
