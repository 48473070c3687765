#!/bin/sh
# What one partition sees does not depend, in a single byte, on what another does: a few of the runs of
# `make noninterference`.
exec verification/noninterference/run --short "${BUILD:-build}"
