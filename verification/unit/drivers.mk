# Unit tests of the drivers that run in partitions, against devices the tests play.
UNIT_TESTS += test_virtio_net test_virtio_open test_pci_driver test_e1000e test_card

DRIVER_FAKE_INCLUDE := -Iverification/unit/fake_ports -Irtdrivers

test_virtio_net_SRCS := rtdrivers/virtio-net/virtio_net.c
test_virtio_net_INCLUDE := -Irtdrivers
test_pci_driver_SRCS := rtdrivers/pci/pci.c rtdrivers/pci/message.c verification/unit/fake_function.c
test_pci_driver_INCLUDE := $(DRIVER_FAKE_INCLUDE)
test_virtio_open_SRCS := $(test_pci_driver_SRCS) rtdrivers/virtio-net/open.c rtdrivers/virtio-net/virtio_net.c \
	verification/unit/fake_virtio_net.c
test_virtio_open_INCLUDE := $(DRIVER_FAKE_INCLUDE)
test_e1000e_SRCS := $(test_pci_driver_SRCS) rtdrivers/e1000e/open.c rtdrivers/e1000e/e1000e.c verification/unit/fake_82574.c
test_e1000e_INCLUDE := $(DRIVER_FAKE_INCLUDE)
test_card_SRCS := $(test_virtio_open_SRCS) rtdrivers/e1000e/open.c rtdrivers/e1000e/e1000e.c rtdrivers/net/card.c \
	verification/unit/fake_82574.c
test_card_INCLUDE := $(DRIVER_FAKE_INCLUDE)
