/** The port through which a tunnel asks to be called later. */

export interface Scheduler {
  /** Calls back once, `delayMs` from now or a little later. The function that it returns calls it off. */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls back as soon as everything else that waits (sockets, timers) has had its turn. */
  soon(callback: () => void): void;
}
