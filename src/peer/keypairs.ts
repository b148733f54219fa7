/**
 * The three keypairs of a peer and how they follow each other.
 *
 *   next      made by us as responder; good for receiving only, until the initiator has proved with a message that it has it
 *   current   the one to send with
 *   previous  still good for what is on its way
 */
import { destroyKeypair, type Keypair } from '../transport/keypair.ts';

export class Keypairs {
  readonly #freed: (keypair: Keypair) => void;
  #previous: Keypair | undefined;
  #current: Keypair | undefined;
  #next: Keypair | undefined;

  /** `freed` is told of each keypair once its keys are erased. */
  constructor(freed: (keypair: Keypair) => void) {
    this.#freed = freed;
  }

  get current(): Keypair | undefined {
    return this.#current;
  }

  /** Every keypair that still opens messages. */
  get all(): Keypair[] {
    return [this.#previous, this.#current, this.#next].filter((keypair) => keypair !== undefined);
  }

  /** A response to us was consumed: send with this keypair from now on. */
  addAsInitiator(keypair: Keypair): void {
    const superseded = this.#next ?? this.#current;
    for (const old of this.all) if (old !== superseded) this.#free(old);
    this.#previous = superseded;
    this.#current = keypair;
    this.#next = undefined;
  }

  /**
   * We have responded. The initiator may never get that, so the current keypair stays; the previous one does not, or a
   * peer could have more than three.
   */
  addAsResponder(keypair: Keypair): void {
    this.#free(this.#next);
    this.#free(this.#previous);
    this.#previous = undefined;
    this.#next = keypair;
  }

  /** A message under `keypair` was authentic. True when that made it the current one. */
  promote(keypair: Keypair): boolean {
    if (keypair !== this.#next) return false;
    this.#free(this.#previous);
    this.#previous = this.#current;
    this.#current = keypair;
    this.#next = undefined;
    return true;
  }

  /** Erases all keys. */
  clear(): void {
    for (const keypair of this.all) this.#free(keypair);
    this.#previous = undefined;
    this.#current = undefined;
    this.#next = undefined;
  }

  #free(keypair: Keypair | undefined): void {
    if (keypair === undefined) return;
    destroyKeypair(keypair);
    this.#freed(keypair);
  }
}
