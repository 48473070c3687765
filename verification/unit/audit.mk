# Unit tests of the audit: tables and files that no compiler would make.
UNIT_TESTS += test_audit_walk test_audit_image test_audit_dma test_audit_units

AUDIT_BASE := $(addprefix tools/mullion/,allocate.c arena.c report.c audit_amdvi.c audit_bar.c \
	audit_config.c audit_devices.c audit_dma.c audit_expect.c audit_function.c audit_image.c audit_match.c \
	audit_message.c audit_pass.c audit_restore.c audit_system.c audit_vtd.c audit_walk.c)
test_audit_walk_SRCS := $(AUDIT_BASE)
test_audit_image_SRCS := $(AUDIT_BASE)
test_audit_dma_SRCS := $(AUDIT_BASE)
test_audit_units_SRCS := $(AUDIT_BASE)
