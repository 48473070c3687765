# A cluster in a box: three nodes in QEMU, killed, paused, cut off (docs/locks.md).
.PHONY: cluster cluster-run
cluster: packages
	@$(MAKE) --no-print-directory kernel tools partitions
	@$(MAKE) --no-print-directory cluster-run

cluster-run:
	@python3 -B verification/cluster/cluster.py $(BUILD)
