/** What a service answers: a value, or a refusal that says how to mend it. problem.ts turns refusals into HTTP. */

export type Reason =
  | 'unauthorized'
  | 'forbidden'
  | 'too-many-attempts'
  | 'not-found'
  | 'invalid'
  | 'host-expired'
  | 'name-not-allowed'
  | 'name-taken'
  | 'key-in-use'
  | 'key-differs'
  | 'address-taken'
  | 'route-overlap'
  | 'no-such-exit'
  | 'range-overlap'
  | 'network-full'
  | 'network-not-empty'
  | 'stale'
  | 'precondition-required'
  | 'no-events'
  | 'key-reused'
  | 'in-progress'
  | 'answer-not-kept'
  | 'upgrade-required'
  | 'busy';

export interface Refusal {
  readonly ok: false;
  readonly reason: Reason;
  /** What happened and what to do next, as sentences for a person. */
  readonly detail: string;
  /** The field, as a JSON pointer: `/routes/0`. */
  readonly pointer?: string;
  readonly retryAfterSeconds?: number;
}

export type Result<T> = { readonly ok: true; readonly value: T } | Refusal;

export function done<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function refuse(reason: Reason, detail: string, pointer?: string): Refusal {
  return { ok: false, reason, detail, ...(pointer !== undefined && { pointer }) };
}

/** The same for everything that may be wrong with a credential, so that trying tells nothing. */
export const UNAUTHORIZED = refuse(
  'unauthorized',
  'The credential is missing, unknown, used up, expired or revoked. Send a good one in the header Authorization, after the word Bearer, or ask an administrator for a new one.',
);
