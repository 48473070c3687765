#!/bin/sh
# The proofs of the ports that take a peer's word, and that a defect in them is noticed; `make proofs` has all.
exec verification/proofs/prove --fast
