/**
 * The descriptors of a TUN whose packets several workers carry: a queue for each that reads, and one that all of them write to.
 *
 * The kernel chooses the queue of a packet by a hash of its flow, unless something of the flow was written to a queue: from then on
 * it takes that one, and what comes later could overtake what waits in the first. So nothing is written to a queue that is read: a
 * detached one is there for that, of which the kernel remembers nothing.
 */
import type { Log } from '../../../src/log.ts';
import type { Tun } from '../../../src/tunnel/ports.ts';
import type { Ffi } from '../ffi.ts';
import { loadLibc } from '../libc.ts';
import type { Watches } from '../poller.ts';
import { createMultiQueueTun, createVirtioTun, detachQueue, openQueue } from '../tun.ts';

export interface TunQueues {
  /** What it reads and writes is of no use: its packets have virtio headers. */
  readonly tun: Tun;
  /** At least one. */
  readonly readFds: readonly number[];
  readonly writeFd: number;
  /** Closes all of them; the interface goes away. */
  readonly close: () => Promise<void>;
}

/**
 * With `count` queues, or one where more cannot be had, which the log says: a persistent interface may be one without
 * multi_queue. Throws when the interface cannot be had at all.
 */
export function openTunQueues(ffi: Ffi, watches: Watches, name: string, log: Log, count: number): TunQueues {
  if (count === 1) return openOne(ffi, watches, name, log);
  let why: unknown;
  try {
    return openSeveral(ffi, watches, name, log, count);
  } catch (error) {
    why = error;
  }
  const one = openOne(ffi, watches, name, log);
  log.warn({ error: String(why) }, 'one pair of workers: the interface has one queue only');
  return one;
}

function openOne(ffi: Ffi, watches: Watches, name: string, log: Log): TunQueues {
  const { tun, fd } = createVirtioTun(ffi, watches, name, log);
  return { tun, readFds: [fd], writeFd: fd, close: () => tun.close() };
}

function openSeveral(ffi: Ffi, watches: Watches, name: string, log: Log, count: number): TunQueues {
  const { tun, fd } = createMultiQueueTun(ffi, watches, name, log);
  const { close } = loadLibc(ffi);
  const others: number[] = [];
  const closeAll = (): Promise<void> => {
    for (const other of others) close(other);
    return tun.close();
  };
  try {
    const writeFd = openQueue(ffi, tun.name);
    others.push(writeFd);
    detachQueue(ffi, writeFd); // first of all: until then the kernel would give it some of the packets
    while (others.length < count) others.push(openQueue(ffi, tun.name));
    return { tun, readFds: [fd, ...others.slice(1)], writeFd, close: closeAll };
  } catch (error) {
    void closeAll();
    throw error;
  }
}
