PEER_FACTS := peers-rxe peers-dlm peers-locks

# The probe, a message and a lock beside their peers. Not part of `make test`: it fetches packages and boots whole hypervisors and
# systems. `make bench` takes what the last one left.
.PHONY: peers peers-run $(PEER_FACTS)
peers-run: $(BUILD)/peers/kvm_runner
	@verification/peers/run $(BUILD)

peers:
	@$(MAKE) --no-print-directory image DEPLOYMENT=jitter
	@$(MAKE) --no-print-directory peers-run $(PEER_FACTS)

peers-locks: kernel tools partitions
$(PEER_FACTS): peers-%:
	@verification/peers/$* $(BUILD)

$(BUILD)/peers/kvm_runner: verification/peers/kvm_runner.c
	@mkdir -p $(@D)
	@$(CC) -std=c11 -D_GNU_SOURCE -O2 -static -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror $< -o $@
