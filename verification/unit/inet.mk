# Unit tests of the protocols of the Internet that run in partitions.
UNIT_TESTS += test_inet

INET_CODE := $(addprefix rtdrivers/inet/,arp.c checksum.c endpoint.c ethernet.c icmp.c ipv4.c station.c udp.c words.c)

test_inet_SRCS := $(INET_CODE)
test_inet_INCLUDE := -Irtdrivers
$(BUILD)/unit/test_inet: $(wildcard rtdrivers/inet/*.h)

# TCP: two ends with a link between them.
UNIT_TESTS += test_tcp

TCP_CODE := $(addprefix rtdrivers/inet/,tcp.c tcp_segment.c checksum.c)

test_tcp_SRCS := $(TCP_CODE)
test_tcp_INCLUDE := -Irtdrivers
$(BUILD)/unit/test_tcp: $(wildcard rtdrivers/inet/*.h)

# IPv6: addresses of a link.
UNIT_TESTS += test_station6

test_station6_SRCS := $(addprefix rtdrivers/inet/,station6.c checksum.c ethernet.c)
test_station6_INCLUDE := -Irtdrivers
$(BUILD)/unit/test_station6: $(wildcard rtdrivers/inet/*.h)
