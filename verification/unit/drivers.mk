# Unit tests of the drivers that run in partitions, against devices the tests play.
UNIT_TESTS += test_virtio_net test_virtio_open test_pci_driver

DRIVER_FAKE_INCLUDE := -Iverification/unit/fake_ports -Irtdrivers

test_virtio_net_SRCS := rtdrivers/virtio-net/virtio_net.c
test_virtio_net_INCLUDE := -Irtdrivers
test_pci_driver_SRCS := rtdrivers/pci/pci.c rtdrivers/pci/message.c verification/unit/fake_function.c
test_pci_driver_INCLUDE := $(DRIVER_FAKE_INCLUDE)
test_virtio_open_SRCS := $(test_pci_driver_SRCS) rtdrivers/virtio-net/open.c rtdrivers/virtio-net/virtio_net.c
test_virtio_open_INCLUDE := $(DRIVER_FAKE_INCLUDE)
