/*
 * What docs/separation.md must agree with, from the sources themselves, as one JSON object: the lists of what is
 * open, and where the kernel keeps the state in which a booted node shows what it does.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/abi.h>
#include <mullion/state.h>

#include "bitmap.h"
#include "cpuid.h"

static const char *const verdicts[] = { [CPUID_PASS] = "pass",
	[CPUID_COPY] = "copy",
	[CPUID_HIDE] = "hide",
	[CPUID_SET] = "set",
	[CPUID_VCPU] = "vcpu",
	[CPUID_VCPUS] = "vcpu",
	[CPUID_LAST_VCPU] = "vcpu",
	[CPUID_VCPU_BITS] = "vcpu",
	[CPUID_SMP] = "vcpu" };

static void print_msrs(void)
{
	printf("\"msrs\": [");
	for (size_t i = 0; i < bitmap_msrs_count; i++)
		printf("%s\n{\"msr\": %" PRIu32
		       ", \"write\": %s, \"name\": \"%s\", \"why\": \"%s\"}",
			i ? "," : "", bitmap_msrs[i].msr,
			bitmap_msrs[i].access & MULLION_WRITE ? "true" : "false",
			bitmap_msrs[i].name, bitmap_msrs[i].why);
	printf("],\n");
}

static void print_cpuid(void)
{
	printf("\"cpuid\": [");
	for (size_t i = 0; i < cpuid_policies_count; i++) {
		const struct cpuid_policy *p = &cpuid_policies[i];

		printf("%s\n{\"leaf\": %" PRIu32 ", \"subleaf\": %" PRIu32
		       ", \"register\": %d, \"verdict\": \"%s\", \"what\": \"%s\", \"why\": "
		       "\"%s\"}",
			i ? "," : "", p->leaf, p->subleaf, (int)p->reg, verdicts[p->verdict],
			p->what, p->why);
	}
	printf("],\n");
}

int main(void)
{
	printf("{");
	print_msrs();
	print_cpuid();
	printf("\"vcpu_bytes\": %zu, \"cpu_bytes\": %zu, \"host_save\": %zu}\n",
		sizeof(struct vcpu), sizeof(struct cpu),
		__builtin_offsetof(struct cpu, arch.host_save));
	return 0;
}
