/** The packets of the stages: 44 of 1,420 bytes a batch, as they are in a tunnel of the usual MTU. Lengths in bytes. */

/** One UDP send takes 45 messages of a full tunnel, and one datagram payload fits 44 of these. */
export const BATCH = 44;
export const PACKET_BYTES = 1420;
/** IPv4 and UDP. */
export const HEADER_BYTES = 28;
export const PAYLOAD_BYTES = PACKET_BYTES - HEADER_BYTES;
/** Header and tag around a packet. */
export const MESSAGE_BYTES = PACKET_BYTES + 32;
export const MTU = 1420;
