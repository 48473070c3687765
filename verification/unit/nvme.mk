# The NVMe driver against a controller made of memory.
UNIT_TESTS += test_nvme

test_nvme_SRCS := rtdrivers/nvme/nvme.c rtdrivers/nvme/nvme_start.c rtdrivers/nvme/nvme_text.c \
	verification/unit/fake_nvme.c
test_nvme_CFLAGS := -Irtdrivers
