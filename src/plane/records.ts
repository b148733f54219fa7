/** What the workers tell the control thread through their rings. */

/** outbound: a packet that it could not send itself, in bytes. */
export const PACKET_RECORD = 1;
/** outbound: row and version of a peer whose source address is not ours any more. */
export const SOURCE_LOST_RECORD = 2;
/** outbound: the interface was deleted. */
export const GONE_RECORD = 3;
/** inbound: a datagram that it does not open itself; the endpoint's words and the ECN bits, then its bytes. */
export const DATAGRAM_RECORD = 4;
/** inbound: row and serial of a keypair, the number of the move, the words of the endpoint that a message under it came from. */
export const MOVED_RECORD = 5;
/** inbound: the interface refuses packets. */
export const REFUSED_RECORD = 7;
/** inbound: row and serial of a keypair that the other side has proved to have. */
export const CONFIRMED_RECORD = 6;
