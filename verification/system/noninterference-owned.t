#!/bin/sh
# What a partition on a CPU of its own computes, and what the kernel does there, does not depend on what others do;
# its times, within the emulator's noise floor: a few of the runs of `make noninterference`.
exec verification/noninterference/owned --short "${BUILD:-build}"
