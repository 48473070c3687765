/*
 * Registers and bits of the 82574 as far as the driver uses them: datasheet, 7.1, 7.2 and 10.2. For
 * rtdrivers/e1000e and its tests alone.
 */
#ifndef RTDRIVERS_E1000E_REGISTERS_H
#define RTDRIVERS_E1000E_REGISTERS_H

#define E1000E_REGISTERS_BYTES 0x20000u

#define CTRL     0x0000u
#define STATUS   0x0008u
#define EECD     0x0010u
#define CTRL_EXT 0x0018u
#define ICR      0x00c0u
#define IMC      0x00d8u
#define RCTL     0x0100u
#define TCTL     0x0400u
#define RDBAL    0x2800u
#define RDBAH    0x2804u
#define RDLEN    0x2808u
#define RDH      0x2810u
#define RDT      0x2818u
#define RDTR     0x2820u
#define RXDCTL   0x2828u
#define RADV     0x282cu
#define TDBAL    0x3800u
#define TDBAH    0x3804u
#define TDLEN    0x3808u
#define TDH      0x3810u
#define TDT      0x3818u
#define TXDCTL   0x3828u
#define TARC0    0x3840u
#define RXCSUM   0x5000u
#define RFCTL    0x5008u
#define RAL0     0x5400u
#define RAH0     0x5404u
#define GCR      0x5b00u
#define GCR2     0x5b64u

#define CTRL_MASTER_OFF   (1u << 2)
#define CTRL_LINK_UP      (1u << 6)
#define CTRL_LOSS_INVERT  (1u << 7)
#define CTRL_FORCE_SPEED  (1u << 11)
#define CTRL_FORCE_DUPLEX (1u << 12)
#define CTRL_RESET        (1u << 26)
#define CTRL_PAUSE        (3u << 27) /* obeyed and sent */
#define CTRL_RESERVED_29  (1u << 29) /* 0 */
#define CTRL_TAGS         (1u << 30) /* 802.1Q tags are taken off and put on */
#define CTRL_PHY_RESET    (1u << 31)

#define STATUS_LINK   (1u << 1)
#define STATUS_MASTER (1u << 19)

#define EECD_LOADED (1u << 9)

#define CTRL_EXT_22     (1u << 22) /* 1, and */
#define CTRL_EXT_23     (1u << 23) /* 0, for good operation: so Intel's drivers set them */
#define CTRL_EXT_DRIVER (1u << 28) /* tells firmware that there is a driver */

#define RCTL_ENABLE    (1u << 1)
#define RCTL_GROUPS    (1u << 4) /* all multicast frames */
#define RCTL_BROADCAST (1u << 15)
#define RCTL_STRIP     (1u << 26) /* the checksum */

#define TCTL_ENABLE         (1u << 1)
#define TCTL_PAD            (1u << 3)
#define TCTL_THRESHOLD_MASK (0xffu << 4)
#define TCTL_THRESHOLD      (15u << 4)
#define TCTL_DISTANCE_MASK  (0x3ffu << 12)
#define TCTL_DISTANCE       (63u << 12)

/* Descriptors are written back one by one, as soon as they are done. */
#define DCTL_EACH  (1u << 24 | 1u << 16)
#define TXDCTL_22  (1u << 22) /* 1, the datasheet says */
#define TARC0_26   (1u << 26) /* 1, as Intel's drivers */
#define GCR_22     (1u << 22) /* with GCR2_0: completions are not lost where links sleep (ASPM) */
#define GCR2_0     (1u << 0)
#define RAH0_VALID (1u << 31)

#define RECEIVED_DONE 0x01u
#define RECEIVED_LAST 0x02u
#define RECEIVED_BAD  0x97u /* of the errors: checksum, symbol, sequence, carrier, data */

#define SEND_LAST     0x01u
#define SEND_CHECKSUM 0x02u
#define SEND_REPORT   0x08u
#define SENT_DONE     0x01u

#endif
