# mullion audit. Of the compiler it uses the model, for what is wanted, and nothing of the back end.
MULLION_AUDIT := $(addprefix tools/mullion/,audit.c audit_amdvi.c audit_bar.c audit_config.c \
	audit_cpuid.c audit_description.c audit_devices.c audit_dma.c audit_expect.c audit_function.c \
	audit_hash.c audit_image.c audit_json.c audit_json_devices.c audit_kernel.c audit_lifecycle.c audit_locks.c audit_match.c \
	audit_memory.c audit_message.c audit_node.c audit_pass.c audit_permissions.c audit_print.c \
	audit_print_devices.c audit_rdma.c audit_restore.c audit_system.c audit_time.c audit_vtd.c audit_walk.c \
	audit_wanted.c audit_wanted_lifecycle.c audit_wanted_locks.c audit_wanted_rdma.c)
