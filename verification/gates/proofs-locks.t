#!/bin/sh
# The proofs of the lock engine's rings and holders, and that a defect in them is noticed; `make proofs` has all.
exec verification/proofs/prove-locks --fast
