/**
 * A change that is sent twice with one Idempotency-Key is made once, and its answer given twice. So whoever lost an answer on its
 * way (a token that is shown once is in it) sends the same again instead of guessing whether it was done.
 *
 * The answer is stored for a day, sealed with what only the caller has: its credential, of which the registry keeps but a hash.
 */
import { decodeBase64, encodeBase64, encodeHex, encodeUtf8 } from '../../bytes.ts';
import type { RequestClaim } from '../store/port.ts';
import type { RegistryPorts } from './ports.ts';
import { done, refuse, type Result } from './result.ts';

/** A row of D1 takes 2 MB. Only the list of a very large network is longer than this. */
const MAX_ANSWER_CHARS = 256 * 1024;

export interface ChangeRequest {
  /** As the audit trail names it. */
  readonly caller: string;
  readonly credential: string;
  /** Idempotency-Key. */
  readonly key: string;
  /** Method, path, precondition and body, as one text: with another one, the key is refused. */
  readonly request: string;
}

/** What a change was answered with. */
export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Claim extends RequestClaim {
  readonly sealingKey: Uint8Array;
}

/** The answer that it had before, or a claim, to be settled when it is answered. */
export async function claimChange(
  change: ChangeRequest,
  ports: RegistryPorts,
): Promise<Result<{ answer: KeptAnswer } | { claim: Claim }>> {
  const hash = (text: string) => ports.sha256(encodeUtf8(text));
  const { caller, credential, key, request } = change;
  const row = { caller, keyHash: encodeHex(await hash(key)), requestHash: encodeHex(await hash(request)) };
  const sealingKey = await hash(`Peerage: answer of a request\n${credential}\n${key}`);
  const earlier = await ports.store.claimRequest(row, ports.wall());
  if (earlier === undefined) return done({ claim: { ...row, sealingKey } });
  if (earlier.requestHash !== row.requestHash)
    return refuse(
      'key-reused',
      'This Idempotency-Key came with another request before. Use a new one for each change.',
    );
  if (earlier.status === null)
    return {
      ...refuse(
        'in-progress',
        'The same request is under way, or its end was lost. See whether it was done, then use a new key.',
      ),
      retryAfterSeconds: 1,
    };
  const answer = earlier.answer === null ? undefined : await openAnswer(earlier.answer, sealingKey, ports);
  if (answer !== undefined) return done({ answer });
  return refuse(
    'answer-not-kept',
    `It was done before (status ${earlier.status}), and its answer is too long to be kept.`,
  );
}

/** Only what was done is kept: what was refused has changed nothing, and may be asked anew. */
export async function settleChange(
  { sealingKey, ...row }: Claim,
  answer: KeptAnswer,
  ports: RegistryPorts,
): Promise<void> {
  if (answer.status >= 300) return ports.store.forgetRequest(row);
  const text = JSON.stringify(answer);
  const sealed = text.length > MAX_ANSWER_CHARS ? null : await ports.sealer.seal(sealingKey, encodeUtf8(text));
  return ports.store.completeRequest(row, answer.status, sealed === null ? null : encodeBase64(sealed));
}

async function openAnswer(text: string, key: Uint8Array, { sealer }: RegistryPorts): Promise<KeptAnswer | undefined> {
  const sealed = decodeBase64(text);
  const opened = sealed && (await sealer.open(key, sealed));
  return opened && (JSON.parse(new TextDecoder().decode(opened)) as KeptAnswer); // sealed by settleChange, nobody else has the key
}
