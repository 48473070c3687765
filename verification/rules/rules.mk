# Tests of the rules: the list of rules as the compiler has it.

RULES_LIST := $(BUILD)/verification/rules-list

$(RULES_LIST): tools/mullion/rules_list.c $(MULLION_FRONT) $(wildcard tools/mullion/*.h core/include/mullion/*.h)
	@mkdir -p $(@D)
	@$(CC) -std=c11 -O1 -Icore/include -Iarch/x86/include -Ipartitions/lib/include -Ipartitions/lockd/include \
		-Ipartitions/rdma/include -Irtdrivers -Itools/mullion $(filter %.c,$^) -o $@ -lfdt

tools: $(RULES_LIST)

.PHONY: rules-doc
rules-doc: $(RULES_LIST)
	$(RULES_LIST) > docs/rules.md
