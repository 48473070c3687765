# Unit tests of the drivers that run in partitions, against devices the tests play.
UNIT_TESTS += test_virtio_net

test_virtio_net_SRCS := rtdrivers/virtio-net/virtio_net.c
test_virtio_net_INCLUDE := -Irtdrivers
