# Proofs and models of what partitions share: all of them. `make test` has time for a part
# (verification/gates/proofs.t and models.t).
.PHONY: proofs proofs-run
proofs: packages
	@$(MAKE) --no-print-directory proofs-run

proofs-run:
	@BUILD=$(BUILD) verification/run-tests verification/models/check verification/proofs/prove \
		verification/proofs/prove-locks
