# Unit tests of the control partition: pure code over a node that the tests play.
CONTROL_UNIT_TESTS := test_control_request test_control_auth test_control_session \
	test_control_answers test_control_consoles test_control_datagrams \
	test_control_exits test_control_node
UNIT_TESTS += $(CONTROL_UNIT_TESTS)

CONTROL_DIR := partitions/control
CONTROL_CODE := $(addprefix $(CONTROL_DIR)/,writer.c request.c auth.c node.c session.c commands.c answers.c records.c memory.c \
	attachment.c exits.c) rtdrivers/inet/words.c
CONTROL_FAKE := $(CONTROL_CODE) verification/unit/fake_control.c

test_control_request_SRCS := $(CONTROL_DIR)/request.c
test_control_request_CFLAGS := -I$(CONTROL_DIR)
test_control_auth_SRCS := $(CONTROL_FAKE)
test_control_session_SRCS := $(CONTROL_FAKE)
test_control_answers_SRCS := $(CONTROL_FAKE)
test_control_exits_SRCS := $(CONTROL_FAKE)
test_control_node_SRCS := $(CONTROL_FAKE)
test_control_datagrams_SRCS := $(CONTROL_FAKE)
test_control_consoles_SRCS := $(CONTROL_FAKE) $(CONTROL_DIR)/consoles.c
$(foreach t,auth session answers consoles datagrams exits node,$(eval test_control_$(t)_CFLAGS := -I$(CONTROL_DIR) -Irtdrivers -lnettle))

$(CONTROL_UNIT_TESTS:%=$(BUILD)/unit/%): $(wildcard $(CONTROL_DIR)/*.h)
