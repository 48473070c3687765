#!/bin/sh
# Devices as a user meets them: the DMA map in words and as JSON, and the machine that has them.
set -u
build=${BUILD:-build}
mullion=${MULLION:-$build/tools/mullion}
vtd=config/deployments/devices.dts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo 1..20
number=0

ok() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then echo "ok $number - $2"; else echo "not ok $number - $2"; fi
}
# shows PATTERN SENTENCE: a line of the explanation
shows() {
	grep -q -- "$1" "$work/text"
	ok $? "$2"
}

# ---- In words
"$mullion" explain "$vtd" >"$work/text"
ok $? "a deployment with devices is explained"
shows '^  iommu@fed90000  *VT-d, 4 levels, registers 0xfed90000$' "its IOMMU is named"
shows '^  CPU 0 looks for faults, before each window$' "so is the CPU that looks for faults"
shows '^  00:05.0  nvme@28: of store$' "a function has an owner"
shows '^    BAR 0  *0xf0000000  16 KiB  *rw-  physical 0xe0100000$' "its registers have a place"
shows '^    within  *0xf0002000  4 KiB  *---  physical 0xe0102000: MSI-X table' \
	"the page with its MSI-X table is excepted"
shows '^    interrupt message 1: CPU 1, vector 0x51$' "its messages have a CPU and a vector"
shows '^  00:04.0  edu@20: nobody.s; silenced, blocked$' "what nobody owns is said to be blocked"

# A function's DMA reaches its owner's memory, as the access map has it.
memory=$(sed -n '/^store$/,/^net$/s/^  memory  *0  *\(.*\)  rwx  \(physical .*\)$/\1 \2/p' "$work/text")
dma=$(sed -n '/nvme@28: of/,/ethernet@30/s/^    DMA  *0  *\(.*\)  rw-  \(physical .*\)$/\1 \2/p' "$work/text")
[ -n "$memory" ] && [ "$memory" = "$dma" ]
ok $? "its DMA reaches the memory of its owner"
[ "$(grep -c '^    DMA ' "$work/text")" -eq 3 ]
ok $? "and there is no more DMA than that of three functions"

"$mullion" explain config/deployments/demo.dts >"$work/demo"
! grep -q 'IOMMU\|PCI' "$work/demo"
ok $? "a board without PCI is explained without it"

# ---- A machine without framed CPUs, with AMD's IOMMU
sed -e "s,boards/qemu-q35-vtd.dtsi,$(pwd)/config/boards/qemu-q35-amdvi.dtsi," \
	-e 's/"framed"/"owned"/' -e '/^	schedules {/,/^	};/d' \
	-e 's/devices = <&uart0>;/cpus = <0>; &/' "$vtd" >"$work/amdvi.dts"
"$mullion" explain "$work/amdvi.dts" >"$work/text"
ok $? "the same behind AMD-Vi, on owned CPUs alone, is explained"
shows '^  iommu@fed80000  *AMD-Vi, 4 levels' "AMD's IOMMU is named"
shows '^  CPU 1 is interrupted by faults: no CPU is framed$' "the owner of a device is interrupted"

# ---- As JSON, and as QEMU is told
"$mullion" build "$vtd" -o "$work/build" 2>"$work/err"
ok $? "it is built"
tr -d ' \n' <"$work/build/system.json" >"$work/json"
grep -q '"iommus":\[{"name":"iommu@fed90000","kind":"vt-d","levels":4,"base":4275634176,' "$work/json"
ok $? "JSON has the IOMMU"
grep -q '"message":1,"cpu":1,"vcpu":1,"vector":81,"handle":1}' "$work/json"
ok $? "JSON has the interrupts"
"$mullion" run --dry-run "$work/build" >"$work/command"
grep -q -- ' -device intel-iommu,intremap=on,aw-bits=48 .* -device nvme,.* -kernel ' "$work/command"
ok $? "QEMU is told the board's devices, the IOMMU before the others"
[ "$(grep -o -- ' -device [a-z-]*' "$work/command" | head -1)" = ' -device intel-iommu' ]
ok $? "and before any device of the machine"
"$mullion" audit --quiet --description "$vtd" "$work/build/mullion.elf" 2>"$work/err"
ok $? "the image passes the audit against its description"
