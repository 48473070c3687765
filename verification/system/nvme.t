#!/bin/sh
# The NVMe driver: natively with a file as disk, which the host writes and reads on its own account, and as a
# partition behind VT-d.
. verification/system/lib.sh

elf=$build/partitions/test-nvme.elf
bytes=2097152
disk_bytes=16777216
disk=$work/disk
null="if=none,id=nvme0,snapshot=on,file.driver=null-co,file.size=$disk_bytes,file.read-zeroes=on"
file="if=none,id=nvme0,format=raw,file=$disk"

# native NAME ARGUMENTS QEMU-ARGUMENT...: boot the test without Mullion; what it says goes to $serial.
native() {
	serial=$work/$1
	arguments=$2
	shift 2
	timeout "$TIMEOUT" qemu-system-x86_64 -machine q35 -nodefaults -no-user-config -cpu max -m 64 \
		-accel tcg -icount shift=0,sleep=off -display none -no-reboot -kernel "$elf" \
		-append "tsc-hz=1000000000 $arguments" -debugcon "file:$serial" \
		-device isa-debug-exit,iobase=0xf4 "$@" >"$serial.out" 2>&1
	status=$?
}

good() {
	[ "$status" -eq 33 ] || sed 's/^/# /' "$serial.out" "$serial"
	ok $((status != 33)) "$1"
}

controller() {
	echo "nvme,addr=05.0,drive=nvme0,serial=mullion0$1"
}

# pattern SEED BYTES [OFFSET]: what the partition writes there, computed here once more.
pattern() {
	python3 -c 'import struct, sys
seed, count, offset = (int(a) for a in sys.argv[1:])
def word(index):
    mixed = (index + seed + 1) * 0x9e3779b97f4a7c15 & (1 << 64) - 1
    return mixed ^ mixed >> 32
words = range(offset // 8, (offset + count) // 8)
sys.stdout.buffer.write(b"".join(struct.pack("<Q", word(i)) for i in words))' "$1" "$2" "${3:-0}"
}

# holds SEED BLOCK-BYTES: the file has the pattern in its first $bytes and its last block, and zeros elsewhere.
holds() {
	{
		pattern "$1" $bytes
		head -c $((disk_bytes - bytes - $2)) /dev/zero
		pattern "$1" "$2" $((disk_bytes - $2))
	} | cmp - "$disk" >"$work/cmp" 2>&1
	holds_status=$?
	sed 's/^/# /' "$work/cmp"
	return $holds_status
}

new_disk() {
	rm -f "$disk"
	truncate -s "$1" "$disk"
}

plan 205

# A disk that forgets: everything deterministic.
native polled-again count -drive "$null" -device "$(controller)"
mv "$work/polled-again" "$work/before"
native polled count -drive "$null" -device "$(controller)"
good "polled, on a disk without a file, all tests of the partition pass"
guest_tap ""
cmp -s "$work/polled" "$work/before"
ok $? "and twice the same, to the byte"

# A file, blocks of 512 bytes, polled.
new_disk $disk_bytes
native file "seed=7" -drive "$file" -device "$(controller)"
good "polled, with a file as disk, all tests of the partition pass"
guest_tap ""
holds 7 512
ok $? "the host finds every byte in the file, and nothing else touched"

# The same with blocks of 4096 bytes and interrupts.
new_disk $disk_bytes
native large "count seed=9 irq=0x50 message=3" -drive "$file" \
	-device "$(controller ,logical_block_size=4096,physical_block_size=4096)"
good "with interrupts and blocks of 4096 bytes, all tests of the partition pass"
guest_tap ""
says "$serial" '^# nvme: .* 4096 blocks of 4096 bytes, at most 32 in a transfer' "the partition saw those blocks"
says "$serial" '^# nvme: 32 interrupts for 32 single commands' "each command of 32 interrupted once"
holds 9 4096
ok $? "the host finds every byte in the file, and nothing else touched"

# The host writes, the partition reads.
{ pattern 5 $bytes && head -c $((disk_bytes - bytes)) /dev/zero; } >"$disk"
native host "seed=5 verify" -drive "$file" -device "$(controller)"
good "the partition finds every byte that the host wrote"
says "$serial" '^# nvme: .* 0 bytes written, 4194304 bytes read, 0 words wrong' "and wrote none itself"
printf '\252' | dd of="$disk" bs=1 seek=1234567 conv=notrunc 2>/dev/null
native flipped "seed=5 verify" -drive "$file" -device "$(controller)"
says "$serial" '^not ok .* every_byte_reads_back' "one byte altered by the host is noticed"
says "$serial" '^# nvme: 1 words wrong, the first at byte 1234560 of the disk' "and found at its place"

# A medium that fails once: the command fails by name, all others go on.
failing() {
	native "failing-$1" "seed=5$2" -device "$(controller)" \
		-drive "if=none,id=nvme0,format=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=$disk,file.inject-error.0.event=none,file.inject-error.0.once=on,file.inject-error.0.iotype=$1,file.inject-error.0.errno=5$3"
	says "$serial" "^not ok .* $4" "a $1 that the medium fails is not taken for done"
	says "$serial" "^# nvme: 1 commands failed: $5" "and is named: $5"
	[ "$(grep -c '^not ok' "$serial")" -eq 1 ]
	ok $? "and nothing else is disturbed"
}
{ pattern 5 $bytes && head -c $((disk_bytes - bytes)) /dev/zero; } >"$disk"
failing read " verify" ",file.inject-error.0.sector=1000" every_byte_reads_back "Unrecovered Read Error"
failing write "" ",file.inject-error.0.sector=1000" every_write_completes "Write Fault"
failing flush "" "" a_flush_completes "Write Fault"

# What does not fit is refused in words.
new_disk 1048576
native small "" -drive "$file" -device "$(controller)"
ok $((status != 35)) "a disk smaller than asked is refused"
says "$serial" "^# bytes=$bytes, and the disk has 1048576 in blocks of 512: ask for less" "and the message says what to do"
native none "" -drive "$null"
says "$serial" '^# no function of class 0x10802' "a machine without a controller says so"
native metadata "" -drive "$null" -device nvme,addr=05.0,serial=mullion0 -device nvme-ns,drive=nvme0,ms=8
says "$serial" '^# Identify Namespace: the namespace is formatted with metadata' "a namespace with metadata is refused"
native empty "" -device nvme,addr=05.0,serial=mullion0
says "$serial" '^# Identify Namespace: the namespace does not exist or holds no block' "a controller without a namespace is refused"
native message "irq=0x50 message=65" -drive "$null" -device "$(controller)"
says "$serial" '^# message 65 is not granted with vector 0x50' "a message the function has not is refused"

# What the calls cost, as the driver's header says.
awk '/^instructions nvme_/ { calls++; worst = $NF > worst ? $NF : worst } END { exit calls != 8 || worst == 0 }' "$work/polled"
ok $? "every call of the driver was metered"

# As a partition. With one CPU all is the same, to the byte; with two, the host's timing of the disk shows.
deployments=verification/system/deployments
boot nvme-vtd $deployments/nvme-vtd.dts
guest_tap ""
says "$serial" '^# nvme: 32 interrupts for 32 single commands' "behind VT-d each command of 32 interrupted once"

cp $deployments/nvme.dtsi "$work"
sed "s,DISK,$disk," $deployments/nvme-file.dts.in >"$work/nvme-file.dts"
compile nvme-file "$work/nvme-file.dts"
new_disk $disk_bytes
run nvme-file first
guest_tap ""
holds 11 512
ok $? "behind VT-d, too, the host finds every byte in the file"

compile nvme-framed $deployments/nvme-framed.dts
run nvme-framed first
guest_tap "[disk] "

compile nvme-outside $deployments/nvme-outside.dts
run nvme-outside first
guest_tap "[disk] "
says "$serial" '^\[mullion\] health: disk: DMA violation: write at 0x40000000, requester 0x28 blocked' \
	"and the owner of the disk gets the health event, with requester and address"

compile nvme-amdvi $deployments/nvme-amdvi.dts
run nvme-amdvi first
guest_tap "[disk] "
says "$serial" '^\[disk\] # nvme: 32 interrupts for 32 single commands' "behind AMD-Vi each command of 32 interrupted once"

finish
