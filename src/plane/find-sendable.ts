/**
 * Whom the outbound worker may send a packet to itself. Packets of the same peer that the control thread still has go first: the
 * worker waits for them, but not long, since the other peers wait with it.
 */
import type { MonotonicMs } from '../clock.ts';
import type { IpFamily } from '../ip.ts';
import type { SendTable } from './send-table.ts';

/** Then the packet is handed over as well. */
const LONGEST_WAIT_MS = 20;

/** How the worker waits for its turn. */
export interface Turn {
  now(): MonotonicMs;
  /** Sleeps until the control thread has read something, or for so long. The tables are refreshed afterwards. */
  sleep(timeoutMs: number): void;
}

/**
 * The row of the peer that the packet at `offset` may be sent to now; -1 when it is for the control thread. Rows are looked up
 * anew after each sleep: one may belong to another peer by then, and the destination, too.
 */
export function findSendable(
  table: SendTable,
  turn: Turn,
  family: IpFamily,
  view: DataView,
  offset: number,
  now: MonotonicMs,
): number {
  const row = table.route(family, view, offset);
  if (row < 0 || !table.isSendable(row, now)) return -1;
  return table.isHandedOver(row) ? waitForTurn(table, turn, family, view, offset, row) : row;
}

function waitForTurn(
  table: SendTable,
  turn: Turn,
  family: IpFamily,
  view: DataView,
  offset: number,
  row: number,
): number {
  let now = turn.now();
  const deadline = now + LONGEST_WAIT_MS;
  while (now < deadline) {
    turn.sleep(deadline - now);
    now = turn.now();
    // What was handed over for another one is looked up by the control thread, and this packet after it.
    if (table.route(family, view, offset) !== row || !table.isSendable(row, now)) return -1;
    if (!table.isHandedOver(row)) return row;
  }
  return -1;
}
