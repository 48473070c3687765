# The NVMe driver against a controller made of memory.
UNIT_TESTS += test_nvme test_nvme_start

NVME_DRIVER := rtdrivers/nvme/nvme.c rtdrivers/nvme/nvme_start.c rtdrivers/nvme/nvme_text.c \
	verification/unit/fake_nvme.c verification/unit/nvme_fixture.c
test_nvme_SRCS := $(NVME_DRIVER)
test_nvme_CFLAGS := -Irtdrivers
test_nvme_start_SRCS := $(NVME_DRIVER)
test_nvme_start_CFLAGS := -Irtdrivers
