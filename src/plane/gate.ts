/**
 * How the control thread changes what the workers read, without locks on their hot path: it closes a gate, waits until each
 * worker stands at it or sleeps, changes the tables, and opens it again. A worker looks at the gate once a batch.
 *
 * No wake-up is lost and nobody slips through: the worker stores its state and then reads GATE, the control thread stores
 * GATE and then reads the states. A sleeping worker counts as standing still, because it looks at the gate before it touches
 * anything. Nothing here knows what is guarded.
 */

/** Words of the control block. One Int32 each. */
const GATE = 0;
export const STOP = 1;
/** How often the gate was closed so far: what a worker remembers of the tables is good while it stays the same. */
export const GENERATION = 2;
/** How many workers there are; their numbers begin at 0. */
export const WORKERS = 3;
/** The first worker's state. Each is alone in its cache line. */
const STATES = 16;
const LINE_WORDS = 16;
export const MOST_WORKERS = 32;
export const GATE_WORDS = STATES + LINE_WORDS * MOST_WORKERS;

/** Not started, or ended: reads nothing. */
const ENDED = 0;
const RUNNING = 1;
/** Will look at the gate before it reads anything. */
const SLEEPING = 2;
const AT_GATE = 3;

/** A worker's batch takes microseconds; a machine that does not run it for so long is in no state to carry packets. */
const PATIENCE_MS = 30_000;
/** How often to look whether a worker that does not come is still there. */
const LOOK_AGAIN_MS = 100;

/** What the control thread knows of its workers. */
export interface Workers {
  /**
   * Whether the worker's thread is gone. One that was ended from outside says nothing, and the event that tells of it comes to the
   * very thread that waits.
   */
  isGone(worker: number): boolean;
}

/** Once a batch: goes on at once unless the gate is closed. Returns the generation of the tables. */
export function passGate(words: Int32Array, worker: number): number {
  if (Atomics.load(words, GATE) !== 0) waitAtGate(words, worker);
  return words[GENERATION]!;
}

/** The worker began, or is back from `sleep`. */
export function wake(words: Int32Array, worker: number): void {
  Atomics.store(words, stateOf(worker), RUNNING);
  passGate(words, worker);
}

/** The worker is about to block, and reads nothing that is shared until `wake`. */
export function sleep(words: Int32Array, worker: number): void {
  setState(words, worker, SLEEPING);
}

/** The worker will never read anything again. */
export function leave(words: Int32Array, worker: number): void {
  setState(words, worker, ENDED);
}

export function mustStop(words: Int32Array): boolean {
  return Atomics.load(words, STOP) !== 0;
}

/**
 * The control thread's side: runs `change` while no worker reads anything. With `awake` sleeping is not enough (it may hold a
 * descriptor in poll(2)): the worker has to be at the gate, and the caller's `awake` has to wake it. Throws when a worker that is
 * there does not come.
 */
export function atGate<T>(words: Int32Array, workers: Workers, change: () => T, awake?: () => void): T {
  Atomics.store(words, GATE, 1);
  awake?.();
  try {
    for (let worker = 0; worker < words[WORKERS]!; worker++) waitFor(words, workers, worker, awake === undefined);
    Atomics.add(words, GENERATION, 1);
    return change();
  } finally {
    Atomics.store(words, GATE, 0);
    Atomics.notify(words, GATE);
  }
}

function waitFor(words: Int32Array, workers: Workers, worker: number, maySleep: boolean): void {
  for (let waitedMs = 0; ;) {
    const state = Atomics.load(words, stateOf(worker));
    if (state === AT_GATE || state === ENDED || (maySleep && state === SLEEPING)) return;
    if (Atomics.wait(words, stateOf(worker), state, LOOK_AGAIN_MS) !== 'timed-out') continue;
    if (workers.isGone(worker)) return leave(words, worker);
    waitedMs += LOOK_AGAIN_MS;
    if (waitedMs >= PATIENCE_MS) throw new Error(`worker ${worker} does not answer`);
  }
}

function waitAtGate(words: Int32Array, worker: number): void {
  do {
    setState(words, worker, AT_GATE);
    Atomics.wait(words, GATE, 1);
    Atomics.store(words, stateOf(worker), RUNNING);
  } while (Atomics.load(words, GATE) !== 0);
}

function setState(words: Int32Array, worker: number, state: number): void {
  Atomics.store(words, stateOf(worker), state);
  // Who closes the gate from here on reads the new state and does not wait for it.
  if (Atomics.load(words, GATE) !== 0) Atomics.notify(words, stateOf(worker));
}

function stateOf(worker: number): number {
  return STATES + LINE_WORDS * worker;
}
