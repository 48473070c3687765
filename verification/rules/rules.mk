# Tests of the rules: the list of rules as the compiler has it.

RULES_LIST := $(BUILD)/verification/rules-list

$(RULES_LIST): $(BUILD)/tools/mullion/rules_list.o $(MULLION_FRONT:%.c=$(BUILD)/%.o)
	@mkdir -p $(@D)
	@$(CC) -o $@ $^ -lfdt

-include $(BUILD)/tools/mullion/rules_list.d

tools: $(RULES_LIST)

.PHONY: rules-doc
rules-doc: $(RULES_LIST)
	$(RULES_LIST) > docs/rules.md
