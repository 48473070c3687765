/*
 * The ports' shared words as the proofs see them: a load gives any value at all, each time anew, so that
 * what is proved holds whatever the peer writes, and whenever.
 *
 * Order between CPUs is no part of this; verification/models has it.
 */
#ifndef SHARED_MEMORY_H
#define SHARED_MEMORY_H

/*@ axiomatic Masks {
      predicate is_mask(integer m) = m == 1 || m == 3 || m == 7 || m == 15 || m == 31 || m == 63 ||
        m == 127 || m == 255;
      axiom mask_right: \forall integer a, b; 0 <= a && is_mask(b) ==> 0 <= (a & b) <= b;
      axiom mask_left: \forall integer a, b; 0 <= b && is_mask(a) ==> 0 <= (a & b) <= a;
    }
    logic integer slot_bytes(integer message_bytes) = (16 + message_bytes + 63) / 64 * 64;
*/

/*@ requires \valid_read(word);
    assigns \nothing;
*/
uint64_t port_load(const uint64_t *word);

/*@ requires \valid_read(word);
    assigns \nothing;
*/
uint64_t port_load_acquire(const uint64_t *word);

/*@ requires \valid_read(state);
    assigns \nothing;
*/
uint32_t port_state(const uint32_t *state);

/*@ requires \valid(word);
    assigns *word;
    ensures *word == value;
*/
void port_store(uint64_t *word, uint64_t value);

/*@ requires \valid(word);
    assigns *word;
    ensures *word == value;
*/
void port_store_release(uint64_t *word, uint64_t value);

/*@ assigns \nothing; */
void port_fence_reads(void);

/*@ assigns \nothing; */
void port_fence_writes(void);

/*@ requires \valid_read(bytes + (0 .. 7));
    assigns \nothing;
*/
uint64_t port_word(const uint8_t *bytes);

/*@ requires \valid(bytes + (0 .. 7));
    assigns bytes[0 .. 7];
*/
void port_bytes(uint8_t *bytes, uint64_t word);

#endif
