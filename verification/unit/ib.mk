# Unit tests of InfiniBand's codecs.
UNIT_TESTS += test_ib_packet test_ib_frame test_ib_mad

IB_CODE := $(addprefix rtdrivers/ib/,ib.c crc.c headers.c packet.c roce.c native.c fields.c mad.c cm.c) \
	rtdrivers/inet/checksum.c rtdrivers/inet/ipv4.c

test_ib_packet_SRCS := verification/unit/ib_sample.c $(IB_CODE)
test_ib_packet_INCLUDE := -Irtdrivers
test_ib_frame_SRCS := $(test_ib_packet_SRCS)
test_ib_frame_INCLUDE := -Irtdrivers
test_ib_mad_SRCS := $(IB_CODE)
test_ib_mad_INCLUDE := -Irtdrivers
$(BUILD)/unit/test_ib_packet $(BUILD)/unit/test_ib_frame $(BUILD)/unit/test_ib_mad: $(wildcard rtdrivers/ib/*.h rtdrivers/inet/*.h)
