/**
 * One connection to a UAPI socket as a tunnel sees it, sans-IO: text comes in as it arrived, answers go out. Several requests may
 * follow each other. What is neither `get=1` nor `set=1` ends the conversation without an answer, as wireguard-go does.
 */
import { wipe } from '../bytes.ts';
import type { TunnelChange, TunnelState } from '../tunnel/state.ts';
import { EINVAL, EIO } from './errno.ts';
import { formatErrno, formatGet } from './format-get.ts';
import { SetParser, type SetOptions } from './parse-set.ts';

/** No key of the UAPI comes near it. */
const LONGEST_LINE = 4096;
/** Some 600,000 prefixes; a client that sends more wants our memory. */
const LARGEST_REQUEST = 32 << 20;

export interface UapiHandler {
  /** A snapshot. Its secrets are erased once they are written. */
  get(): TunnelState;
  /** The errno of the outcome. The change's secrets are erased afterwards: keep copies. */
  set(change: TunnelChange): number;
  /** Told why a request was refused. The reason holds no values. */
  refused?(reason: string): void;
}

type State = { type: 'idle' } | { type: 'get' } | { type: 'set'; parser: SetParser; length: number } | { type: 'over' };

export class Conversation {
  readonly #handler: UapiHandler;
  readonly #options: SetOptions;
  #state: State = { type: 'idle' };
  #unfinished = '';

  constructor(handler: UapiHandler, options: SetOptions = {}) {
    this.#handler = handler;
    this.#options = options;
  }

  /** Nothing more will be answered: send what there was and hang up. */
  get isOver(): boolean {
    return this.#state.type === 'over';
  }

  /**
   * Takes the next piece of text, cut anywhere, and yields what is to be sent back, as it is asked for: all of it, or `return()`,
   * before the next piece of text.
   */
  *answer(text: string): Generator<string, void> {
    const lines = (this.#unfinished + text).split('\n');
    this.#unfinished = lines.pop()!; // split gives at least one
    for (const line of lines) yield* this.#line(line);
    if (this.#unfinished.length > LONGEST_LINE) yield this.#end(EINVAL, 'a line without end');
  }

  *#line(line: string): Generator<string, void> {
    const state = this.#state;
    switch (state.type) {
      case 'idle':
        if (line === 'get=1') this.#state = { type: 'get' };
        else if (line === 'set=1') this.#state = { type: 'set', parser: new SetParser(this.#options), length: 0 };
        else this.#state = { type: 'over' };
        break;
      case 'get':
        if (line !== '') yield this.#end(EINVAL, 'a get with values');
        else yield* this.#answerGet();
        break;
      case 'set':
        state.length += line.length;
        if (line === '') yield this.#finishSet(state.parser);
        else if (state.length > LARGEST_REQUEST) yield this.#end(EIO, 'a request without end');
        else state.parser.line(line);
        break;
      case 'over':
        break;
    }
  }

  *#answerGet(): Generator<string, void> {
    this.#state = { type: 'idle' };
    const state = this.#handler.get();
    try {
      yield* formatGet(state);
    } finally {
      eraseSecrets(state);
    }
  }

  #finishSet(parser: SetParser): string {
    this.#state = { type: 'idle' };
    const parsed = parser.finish();
    if ('change' in parsed) {
      const errno = this.#handler.set(parsed.change);
      eraseSecrets(parsed.change);
      return formatErrno(errno);
    }
    this.#handler.refused?.(parsed.reason);
    return formatErrno(parsed.errno);
  }

  #end(errno: number, reason: string): string {
    this.#state = { type: 'over' };
    this.#unfinished = '';
    this.#handler.refused?.(reason);
    return formatErrno(errno);
  }
}

/** The text that they came in or go out with is the runtime's, and cannot be erased. */
function eraseSecrets({ privateKey, peers }: TunnelChange | TunnelState): void {
  if (privateKey instanceof Uint8Array) wipe(privateKey);
  for (const { presharedKey } of peers ?? []) if (presharedKey !== undefined) wipe(presharedKey);
}
