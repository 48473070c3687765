# Unit tests of the IOMMU drivers, against registers the tests answer for.
UNIT_TESTS += test_vtd test_amdvi test_iommu

IOMMU_BENCH := arch/x86/iommu.c arch/x86/vtd.c arch/x86/amdvi.c core/console.c \
	verification/unit/iommu_bench.c
test_vtd_SRCS := $(IOMMU_BENCH)
test_vtd_INCLUDE := -Iverification/unit/fake_mmio
test_amdvi_SRCS := $(IOMMU_BENCH)
test_amdvi_INCLUDE := -Iverification/unit/fake_mmio
test_iommu_SRCS := arch/x86/iommu.c
test_iommu_INCLUDE := -Iverification/unit/fake_mmio
