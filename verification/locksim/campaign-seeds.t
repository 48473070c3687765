#!/bin/sh
# 100,000 seeds of the simulator.
exec verification/gates/locksim.t --large
