# Unit tests of the compiler's front end.
UNIT_TESTS += test_report test_words test_quantities test_image test_pci_config test_model_pci test_model_health test_lock_plan

test_report_SRCS := tools/mullion/arena.c tools/mullion/report.c
test_words_SRCS := tools/mullion/words.c
test_quantities_SRCS = $(MULLION_FRONT)
test_image_SRCS = $(MULLION_FRONT)
test_pci_config_SRCS := tools/mullion/pci_config.c
test_model_pci_SRCS = $(MULLION_FRONT)
test_model_health_SRCS = $(MULLION_FRONT)
test_lock_plan_SRCS = $(MULLION_FRONT) partitions/lockd/api/image.c

# What an RDMA service is told.
UNIT_TESTS += test_rdma_block
test_rdma_block_SRCS = $(MULLION_FRONT) tools/mullion/rdma_block.c rtdrivers/ib/vlarb.c
