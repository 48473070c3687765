# Unit tests of the lock service's way between nodes: the wire, the router, and whole nodes over frames.
UNIT_TESTS += test_lock_wire test_lock_router

LOCK_WIRE_SRCS := $(sort $(wildcard partitions/lockd/engine/*.c)) verification/unit/lock_world.c \
	verification/unit/lock_net.c partitions/lockd/wire/wire.c partitions/lockd/router/router.c \
	partitions/lockd/api/image.c $(addprefix rtdrivers/ib/,answers.c ah.c context.c cq.c engine.c \
	message.c mr.c names.c local.c local_serve.c post.c qp.c requester.c resource.c responder.c \
	headers.c packet.c port.c straight.c neighbour.c roce.c ib.c crc.c) $(sort $(wildcard rtdrivers/inet/*.c))

test_lock_wire_SRCS := $(LOCK_WIRE_SRCS)
test_lock_wire_INCLUDE := -Irtdrivers -Ipartitions/lockd/include
test_lock_router_SRCS := $(LOCK_WIRE_SRCS)
test_lock_router_INCLUDE := -Irtdrivers -Ipartitions/lockd/include
$(BUILD)/unit/test_lock_wire $(BUILD)/unit/test_lock_router: $(wildcard partitions/lockd/include/mullion/*.h \
	rtdrivers/ib/*.h verification/unit/lock_*.h)
