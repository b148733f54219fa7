/**
 * A watch of src/agent/ that has been given a network: sends its requests, holds its socket, and tells what came of them, one event
 * after the other.
 */
import { PING, type Watch, type WatchEvent } from '../agent/watch.ts';
import type { RegistryAnswer, RegistryRequest } from '../agent/exchange.ts';
import type { Ports, Socket } from './ports.ts';
import { callRegistry } from './registry-call.ts';

export interface RegistryWatchOptions {
  /** Its address, as the membership has it. */
  registry: string;
  watch: Watch;
  signal: AbortSignal;
  /** Each answer, before the watch hears of it. */
  onAnswer: (answer: RegistryAnswer) => void;
}

export class RegistryWatch {
  readonly #ports: Pick<Ports, 'http' | 'clock'>;
  readonly #registry: string;
  readonly #watch: Watch;
  readonly #signal: AbortSignal;
  readonly #onAnswer: RegistryWatchOptions['onAnswer'];
  readonly #events: (WatchEvent | undefined)[] = [];
  #socket: Socket | undefined;
  #wake: (() => void) | undefined;

  constructor(ports: Pick<Ports, 'http' | 'clock'>, { registry, watch, signal, onAnswer }: RegistryWatchOptions) {
    this.#ports = ports;
    this.#registry = registry;
    this.#watch = watch;
    this.#signal = signal;
    this.#onAnswer = onAnswer;
    signal.addEventListener('abort', () => this.#socket?.close());
  }

  /** Does what the watch wants to have done now. */
  act(): void {
    const action = this.#watch.poll(this.#now());
    this.#dropUnwanted();
    if (action?.type === 'ask') void this.#ask(action.request);
    else if (action?.type === 'listen') void this.#listen(action.request);
    else if (action?.type === 'ping') this.#socket?.send(PING);
  }

  /** For one reader. Undefined when there is nothing to tell, but something new to act upon. */
  async next(): Promise<WatchEvent | undefined> {
    if (this.#events.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#events.shift();
  }

  async #ask(request: RegistryRequest): Promise<void> {
    const event = await callRegistry(this.#ports, this.#registry, request, this.#signal).then(
      (answer) => {
        this.#onAnswer(answer);
        return this.#watch.handleAnswer(answer, this.#now());
      },
      (error: unknown) => this.#watch.handleFailure(messageOf(error), this.#now()),
    );
    this.#tell(event);
  }

  async #listen({ path, headers, timeoutMs }: RegistryRequest): Promise<void> {
    const url = this.#registry + path;
    const socket = await this.#ports.http.listen({ url, headers, timeoutMs }).catch(() => undefined);
    if (this.#signal.aborted) return socket?.close();
    if (socket === undefined) {
      this.#watch.handleEnd(undefined, this.#now());
      return this.#tell(undefined);
    }
    this.#socket = socket;
    this.#tell(this.#watch.handleOpened(this.#now()));
    // Until it ends, or is dropped for another.
    while (this.#socket === socket) {
      // oxlint-disable-next-line no-await-in-loop -- one frame after the other
      const input = await socket.next();
      if (this.#socket !== socket) return;
      if (input.type === 'frame') {
        this.#tell(this.#watch.handleFrame(input.text, this.#now()));
        this.#dropUnwanted();
      } else {
        this.#socket = undefined;
        this.#watch.handleEnd(input.code, this.#now());
        this.#tell(undefined);
      }
    }
  }

  #dropUnwanted(): void {
    if (this.#watch.isListening) return;
    this.#socket?.close();
    this.#socket = undefined;
  }

  #tell(event: WatchEvent | undefined): void {
    this.#events.push(event);
    this.#wake?.();
  }

  #now(): number {
    return this.#ports.clock.monotonic();
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
