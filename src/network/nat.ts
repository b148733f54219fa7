/** What the routers between two hosts do to their tunnel. */

/** PersistentKeepalive of a host that may be behind a NAT: shorter than what those remember of a UDP flow (wg(8); the paper's 6.5). */
export const NAT_KEEPALIVE_SECONDS = 25;
