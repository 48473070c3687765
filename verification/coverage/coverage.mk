# Coverage from inside the booted kernel. The kernel is compiled with COVERAGE_CFLAGS and linked whole with
# COVERAGE_SRCS; each system test leaves a dump of its debug console; `make coverage-report` with those
# dumps in COVERAGE_DUMPS writes $(COVERAGE)/html and judges the lines.
#
# -Og, because -O2 deletes pure calls whose result a test does not use; the stamp of an object is random
# otherwise, so it is seeded by name to make the image reproducible.

COVERAGE := $(BUILD)/coverage
COVERAGE_CFLAGS = -Og -fprofile-arcs -ftest-coverage -fprofile-info-section=.gcov_info \
	-fprofile-update=atomic -frandom-seed=$@
COVERAGE_SRCS := verification/coverage/gcov_emit.c verification/coverage/gcov_unit.c
COVERAGE_GATES := core=95 arch/x86=85
COVERAGE_OBJECTS ?= $(COVERAGE)/kernel
LCOV := lcov --quiet --rc lcov_branch_coverage=1

.PHONY: coverage-report
coverage-report:
	@test -n "$(strip $(COVERAGE_DUMPS))" || { \
		echo 'coverage: no dumps: name them in COVERAGE_DUMPS' >&2; exit 2; }
	@find $(COVERAGE_OBJECTS) -name '*.gcda' -delete
	@verification/coverage/split $(COVERAGE_DUMPS)
	@$(LCOV) --capture --initial -d $(COVERAGE_OBJECTS) -o $(COVERAGE)/initial.info 2>$(COVERAGE)/lcov.log
	@$(LCOV) --capture -d $(COVERAGE_OBJECTS) -o $(COVERAGE)/boots.info 2>>$(COVERAGE)/lcov.log
	@$(LCOV) -a $(COVERAGE)/initial.info -a $(COVERAGE)/boots.info -o $(COVERAGE)/all.info 2>>$(COVERAGE)/lcov.log
	@genhtml --quiet --branch-coverage -t Mullion -o $(COVERAGE)/html $(COVERAGE)/all.info 2>>$(COVERAGE)/lcov.log
	@verification/coverage/gate $(COVERAGE)/all.info verification/coverage/uncovered $(COVERAGE_GATES) \
		> $(COVERAGE)/gate.tap; status=$$?; grep -v '^#' $(COVERAGE)/gate.tap; \
		grep -e '<- no reason given$$' -e 'excuses nothing' $(COVERAGE)/gate.tap | head -n 20; \
		echo 'coverage: $(COVERAGE)/html/index.html, every open line in $(COVERAGE)/gate.tap'; exit $$status

# The counted kernel, $(COVERAGE)/kernel/libkernel.a, for `mullion build --kernel $(COVERAGE)/kernel`.
$(eval $(call kernel_library,$(COVERAGE)/kernel,$$(COVERAGE_CFLAGS),$(COVERAGE_SRCS)))
