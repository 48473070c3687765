#!/bin/sh
# The model of the lock service in its large shapes: minutes and 2 GB.
exec verification/gates/lock.t --large
