# The verbs: two engines with a link between them.
UNIT_TESTS += test_verbs test_verbs_link test_verbs_local

VERBS_SRCS := $(addprefix rtdrivers/ib/,answers.c ah.c context.c cq.c engine.c message.c mr.c names.c \
	local.c local_serve.c post.c qp.c requester.c resource.c responder.c headers.c packet.c)

test_verbs_link_SRCS := $(VERBS_SRCS) verification/unit/verbs_pair.c
test_verbs_link_INCLUDE := -Irtdrivers
test_verbs_SRCS := $(test_verbs_link_SRCS)
test_verbs_INCLUDE := -Irtdrivers
test_verbs_local_SRCS := $(test_verbs_link_SRCS)
test_verbs_local_INCLUDE := -Irtdrivers

# The clock that they are told.
UNIT_TESTS += test_rate

$(BUILD)/unit/test_rate: partitions/lib/include/mullion/rate.h

# Arbitration between lanes, its bound, and token buckets.
UNIT_TESTS += test_vlarb

test_vlarb_SRCS := rtdrivers/ib/vlarb.c rtdrivers/ib/bucket.c
test_vlarb_INCLUDE := -Irtdrivers

# A port: frames of Ethernet.
UNIT_TESTS += test_roce_port

test_roce_port_SRCS := $(test_verbs_link_SRCS) $(addprefix rtdrivers/ib/,neighbour.c port.c straight.c roce.c ib.c crc.c) \
	$(wildcard rtdrivers/inet/*.c)
test_roce_port_INCLUDE := -Irtdrivers

# Its short way against its long one.
UNIT_TESTS += test_straight

test_straight_SRCS := $(test_roce_port_SRCS) verification/unit/long_port.c
test_straight_INCLUDE := -Irtdrivers
$(BUILD)/unit/test_straight: $(wildcard rtdrivers/ib/*.h) rtdrivers/ib/port.c verification/unit/long_port.h

# A port that several owners share.
UNIT_TESTS += test_lanes

test_lanes_SRCS := $(test_roce_port_SRCS) $(addprefix rtdrivers/ib/,lanes.c vlarb.c bucket.c)
test_lanes_INCLUDE := -Irtdrivers

# Whom a port knows.
UNIT_TESTS += test_neighbour

test_neighbour_SRCS := rtdrivers/ib/neighbour.c
test_neighbour_INCLUDE := -Irtdrivers

# Connections: two managers with a link between them.
UNIT_TESTS += test_connection

CONNECTION_SRCS := $(addprefix rtdrivers/ib/,connection.c connection_message.c connection_pool.c connection_qp.c \
	connection_take.c connection_wire.c cm.c mad.c fields.c)
test_connection_SRCS := $(test_verbs_link_SRCS) $(CONNECTION_SRCS) verification/unit/connection_pair.c
test_connection_INCLUDE := -Irtdrivers

# The rdma service, its clients' library, and a wire to another adapter.
UNIT_TESTS += test_rdma_service test_rdma_connect

RDMA_SRCS := $(wildcard partitions/rdma/core/*.c) $(addprefix partitions/rdma/client/,client.c connect.c post.c)

RDMA_WORLD_SRCS := verification/unit/rdma_world.c $(RDMA_SRCS) $(CONNECTION_SRCS) $(filter-out %verbs_pair.c,$(test_lanes_SRCS))
test_rdma_service_SRCS := $(RDMA_WORLD_SRCS) verification/unit/rdma_talk.c
test_rdma_connect_SRCS := $(test_rdma_service_SRCS)
test_rdma_service_INCLUDE := -Irtdrivers -Ipartitions/rdma/include
test_rdma_connect_INCLUDE := $(test_rdma_service_INCLUDE)
$(BUILD)/unit/test_rdma_service $(BUILD)/unit/test_rdma_connect: $(wildcard partitions/rdma/*/*.h partitions/rdma/*/*/*.h rtdrivers/ib/*.h)

# The command lines of the RDMA tools.
UNIT_TESTS += test_tools_options

test_tools_options_SRCS := partitions/rdma-tools/options.c rtdrivers/inet/endpoint.c rtdrivers/inet/ipv4.c
test_tools_options_INCLUDE := -Irtdrivers -Ipartitions/rdma-tools
$(BUILD)/unit/test_tools_options: partitions/rdma-tools/options.h
