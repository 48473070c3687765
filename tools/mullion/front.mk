# The compiler's front end: description -> model, or errors. tools.mk links these into `mullion`.
MULLION_FRONT := $(addprefix tools/mullion/,arena.c report.c words.c source.c tools.c places.c statements.c \
	binding.c image.c check.c model.c model_build.c model_health.c model_pci.c pci_config.c rules_source.c rules_shape.c rules_names.c \
	rules_board.c rules_cpu.c rules_partition.c rules_memory.c rules_image.c rules_schedule.c \
	rules_gap.c rules_channel.c rules_health.c rules_watchdog.c rules_pci.c rules_config.c rules_isolation.c \
	rules_function.c rules_layout.c rules_rdma.c rules_rdma_client.c model_locks.c model_rdma.c lock_bound.c lock_plan.c lock_block.c rules_lock.c \
	rules_lock_group.c rules_lock_bound.c) partitions/lockd/engine/guard.c
