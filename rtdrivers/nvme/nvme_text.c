/*
 * What a status or a problem means, in words, and what to do about it. Every status has a text; one
 * the specification does not name says so. Specification: NVM Express 1.4, 4.6.1.
 */
#include <nvme/registers.h>

#define TYPE_GENERIC 0u
#define TYPE_COMMAND 1u
#define TYPE_MEDIA   2u
#define TYPE_PATH    3u
#define TYPE_VENDOR  7u
#define CODES        256u

static const char *const generic[CODES] = {
	[0x00] = "Successful Completion",
	[0x01] = "Invalid Command Opcode",
	[0x02] = "Invalid Field in Command",
	[0x03] = "Command ID Conflict",
	[0x04] = "Data Transfer Error",
	[0x05] = "Commands Aborted due to Power Loss Notification",
	[0x06] = "Internal Error",
	[0x07] = "Command Abort Requested",
	[0x08] = "Command Aborted due to SQ Deletion",
	[0x09] = "Command Aborted due to Failed Fused Command",
	[0x0a] = "Command Aborted due to Missing Fused Command",
	[0x0b] = "Invalid Namespace or Format",
	[0x0c] = "Command Sequence Error",
	[0x0d] = "Invalid SGL Segment Descriptor",
	[0x0e] = "Invalid Number of SGL Descriptors",
	[0x0f] = "Data SGL Length Invalid",
	[0x10] = "Metadata SGL Length Invalid",
	[0x11] = "SGL Descriptor Type Invalid",
	[0x12] = "Invalid Use of Controller Memory Buffer",
	[0x13] = "PRP Offset Invalid",
	[0x14] = "Atomic Write Unit Exceeded",
	[0x15] = "Operation Denied",
	[0x16] = "SGL Offset Invalid",
	[0x18] = "Host Identifier Inconsistent Format",
	[0x19] = "Keep Alive Timer Expired",
	[0x1a] = "Keep Alive Timeout Invalid",
	[0x1b] = "Command Aborted due to Preempt and Abort",
	[0x1c] = "Sanitize Failed",
	[0x1d] = "Sanitize In Progress",
	[0x1e] = "SGL Data Block Granularity Invalid",
	[0x1f] = "Command Not Supported for Queue in CMB",
	[0x20] = "Namespace is Write Protected",
	[0x21] = "Command Interrupted",
	[0x22] = "Transient Transport Error",
	[0x80] = "LBA Out of Range",
	[0x81] = "Capacity Exceeded",
	[0x82] = "Namespace Not Ready",
	[0x83] = "Reservation Conflict",
	[0x84] = "Format In Progress",
};

static const char *const command[CODES] = {
	[0x00] = "Completion Queue Invalid",
	[0x01] = "Invalid Queue Identifier",
	[0x02] = "Invalid Queue Size",
	[0x03] = "Abort Command Limit Exceeded",
	[0x05] = "Asynchronous Event Request Limit Exceeded",
	[0x06] = "Invalid Firmware Slot",
	[0x07] = "Invalid Firmware Image",
	[0x08] = "Invalid Interrupt Vector",
	[0x09] = "Invalid Log Page",
	[0x0a] = "Invalid Format",
	[0x0b] = "Firmware Activation Requires Conventional Reset",
	[0x0c] = "Invalid Queue Deletion",
	[0x0d] = "Feature Identifier Not Saveable",
	[0x0e] = "Feature Not Changeable",
	[0x0f] = "Feature Not Namespace Specific",
	[0x80] = "Conflicting Attributes",
	[0x81] = "Invalid Protection Information",
	[0x82] = "Attempted Write to Read Only Range",
};

static const char *const media[CODES] = {
	[0x80] = "Write Fault",
	[0x81] = "Unrecovered Read Error",
	[0x82] = "End-to-end Guard Check Error",
	[0x83] = "End-to-end Application Tag Check Error",
	[0x84] = "End-to-end Reference Tag Check Error",
	[0x85] = "Compare Failure",
	[0x86] = "Access Denied",
	[0x87] = "Deallocated or Unwritten Logical Block",
};

const char *nvme_status_text(const uint16_t status)
{
	const uint32_t type = status >> 8 & 7, code = status & 0xff;
	const char *text = NULL;

	if (type == TYPE_GENERIC)
		text = generic[code];
	else if (type == TYPE_COMMAND)
		text = command[code];
	else if (type == TYPE_MEDIA)
		text = media[code];
	else if (type == TYPE_PATH)
		text = "Path Related Status";
	else if (type == TYPE_VENDOR)
		text = "Vendor Specific Status";
	return text != NULL ? text : "a status NVM Express 1.4 does not name";
}

const char *nvme_problem_text(const enum nvme_problem problem)
{
	static const char *const texts[NVME_PROBLEMS] = {
		[NVME_PROBLEM_NONE] = "nothing is wrong",
		[NVME_PROBLEM_GONE] =
			"its registers read all ones: the function is gone, or its memory "
			"space is switched off; look for it in configuration space",
		[NVME_PROBLEM_FATAL] =
			"controller fatal status (CSTS.CFS): it could not reach memory, or "
			"broke; a quarantined function finds bus mastering off: switch "
			"it on, start again, and see on-dma-violation",
		[NVME_PROBLEM_RESET] =
			"the controller is not ready any more: it was reset; start again",
		[NVME_PROBLEM_NOT_READY] =
			"CSTS.RDY did not follow CC.EN within the time of CAP.TO; "
			"start again, or replace the device",
		[NVME_PROBLEM_SILENT] =
			"a command was not answered within the limit: is bus mastering "
			"on? then start again, or give it more time (limit_ns)",
		[NVME_PROBLEM_COMPLETION] =
			"it completed a command that was not outstanding, or for "
			"another queue: do not trust what it stored",
		[NVME_PROBLEM_REFUSED] = "an admin command was refused; its status says why",
		[NVME_PROBLEM_REGISTERS] =
			"its doorbells do not lie within the BAR: is it BAR 0, all "
			"of it, of an NVMe controller?",
		[NVME_PROBLEM_PAGES] =
			"its smallest memory page is larger than 4096 bytes (CAP.MPSMIN)",
		[NVME_PROBLEM_COMMAND_SET] = "it does not speak the NVM command set (CAP.CSS)",
		[NVME_PROBLEM_ENTRIES] = "it wants larger queue entries than 64 and 16 bytes",
		[NVME_PROBLEM_NAMESPACE] = "the namespace does not exist or holds no block: choose "
					   "another namespace_id",
		[NVME_PROBLEM_BLOCKS] =
			"its blocks are smaller than 512 bytes or larger than a transfer: "
			"format the namespace with another LBA format",
		[NVME_PROBLEM_METADATA] = "the namespace is formatted with metadata or protection "
					  "information: format it without",
		[NVME_PROBLEM_STEPS] = "it was not ready within NVME_INIT_STEPS steps",
	};

	return (unsigned)problem < NVME_PROBLEMS ? texts[problem] : "no problem of this driver";
}
