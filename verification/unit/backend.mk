# Unit tests of the compiler's back end: data compared as data, printing apart.
UNIT_TESTS += test_ticks test_paging test_bitmap test_cpuid test_layout test_maps test_shares test_svg

BACKEND_BASE := tools/mullion/allocate.c tools/mullion/arena.c
BACKEND_LAYOUT := $(BACKEND_BASE) $(addprefix tools/mullion/,layout.c placement.c regions.c paging.c) \
	verification/unit/sample_model.c

test_ticks_SRCS := tools/mullion/ticks.c
test_paging_SRCS := $(BACKEND_BASE) tools/mullion/paging.c verification/unit/walk.c
test_bitmap_SRCS := tools/mullion/bitmap.c
test_cpuid_SRCS := $(BACKEND_BASE) tools/mullion/cpuid.c tools/mullion/cpuid_policy.c \
	verification/unit/sample_model.c
test_layout_SRCS := $(BACKEND_LAYOUT)
test_maps_SRCS := $(BACKEND_LAYOUT) tools/mullion/maps.c verification/unit/walk.c
test_shares_SRCS := $(BACKEND_BASE) tools/mullion/shares.c
test_svg_SRCS := $(BACKEND_BASE) tools/mullion/svg.c tools/mullion/shares.c \
	verification/unit/sample_model.c
