# The probe beside its peers. Not part of `make test`: it fetches packages and boots whole hypervisors.
.PHONY: peers peers-run
peers-run: $(BUILD)/peers/kvm_runner
	@verification/peers/run $(BUILD)

peers:
	@$(MAKE) --no-print-directory image DEPLOYMENT=jitter
	@$(MAKE) --no-print-directory peers-run

$(BUILD)/peers/kvm_runner: verification/peers/kvm_runner.c
	@mkdir -p $(@D)
	@$(CC) -std=c11 -D_GNU_SOURCE -O2 -static -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror $< -o $@
