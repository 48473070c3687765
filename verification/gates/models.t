#!/bin/sh
# The models of the ports in their smallest shape, and their planted defects; `make proofs` has all.
exec verification/models/check --fast
