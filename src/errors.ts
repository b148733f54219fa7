/**
 * What a person did wrong, said so that the person can mend it.
 *
 * A programming mistake is a TypeError or RangeError; a hostile packet is never an error at all but a counted drop.
 */

export interface SourcePosition {
  file: string;
  /** First line is 1. */
  line: number;
}

export class UserError extends Error {
  override readonly name = 'UserError';
  /** What to do next, as a sentence or a command line. */
  readonly remedy: string | undefined;
  readonly position: SourcePosition | undefined;
  /** 1 failed, 2 wrong usage. */
  readonly exitCode: 1 | 2;
  /** errno(3), as Linux numbers it, where the system or a tunnel gave one. */
  readonly errno: number | undefined;

  constructor(
    message: string,
    options: { remedy?: string; position?: SourcePosition; exitCode?: 1 | 2; errno?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.remedy = options.remedy;
    this.position = options.position;
    this.exitCode = options.exitCode ?? 1;
    this.errno = options.errno;
  }
}

/** `"publicKey" expected 32 bytes, got 31`: the caller's own mistake. */
export function expectBytes(name: string, value: Uint8Array, length: number): void {
  if (!(value instanceof Uint8Array)) throw new TypeError(`"${name}" expected Uint8Array, got ${typeof value}`);
  if (value.length !== length) throw new RangeError(`"${name}" expected ${length} bytes, got ${value.length}`);
}
