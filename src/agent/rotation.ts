/**
 * A host changes its key pair while its traffic goes on. Sans-IO: what was reached comes in, the next step goes out.
 *
 *   1. make      the next private key, written down before anybody hears of the public one
 *   2. announce  the next public key: the others let it in from then on, beside the present one
 *   3. notice    the others get time to hear of it
 *   4. use       the tunnel gets the private key, and the registry is told that it is in use: the others let the old one go
 *
 * Each step may be taken again, so a rotation that was interrupted anywhere goes on where it was.
 */
import type { WallMs } from '../clock.ts';
import { isProblem, jsonRequest, problemDetail, type RegistryAnswer, type RegistryRequest } from './exchange.ts';

/** What is kept from the wish for a new key on until it is in use. */
export interface Rotation {
  noticeMs: number;
  /** In base64. */
  next?: { privateKey: string; publicKey: string } | undefined;
  /** When the registry took the announcement. */
  announcedAt?: WallMs | undefined;
  /** Why the latest step failed. It is tried again. */
  problem?: string | undefined;
}

export type RotationStep =
  | { type: 'make' }
  | { type: 'announce'; request: RegistryRequest }
  | { type: 'notice'; until: WallMs }
  /** The private key goes into the tunnel before the request is sent. */
  | { type: 'use'; next: NonNullable<Rotation['next']>; request: RegistryRequest };

export function nextStep({ next, announcedAt, noticeMs }: Rotation, hostKey: string, now: WallMs): RotationStep {
  if (next === undefined) return { type: 'make' };
  const { publicKey } = next;
  const ask = (body: object): RegistryRequest =>
    jsonRequest({ method: 'POST', path: '/v1/rotate', credential: hostKey, body });
  if (announcedAt === undefined) return { type: 'announce', request: ask({ publicKey }) };
  // A clock that was set back does not make it wait for longer.
  if (now >= announcedAt && now < announcedAt + noticeMs) return { type: 'notice', until: announcedAt + noticeMs };
  return { type: 'use', next, request: ask({ publicKey, use: true }) };
}

/** What is known after the registry was told; undefined when the rotation is complete. */
export function afterAnswer(
  rotation: Rotation,
  step: 'announce' | 'use',
  answer: RegistryAnswer,
  now: WallMs,
): Rotation | undefined {
  const { noticeMs, next, announcedAt } = rotation;
  if (answer.status === 200)
    return step === 'use' ? undefined : { noticeMs, announcedAt: now, ...(next === undefined ? {} : { next }) };
  const problem = problemDetail(answer) ?? `the registry answered HTTP ${answer.status}`;
  // Somebody else has it, which is no accident: another one then. Never of a key that the tunnel has by now.
  if (step === 'announce' && isProblem(answer, 'key-in-use')) return { noticeMs, problem };
  return { ...rotation, ...(announcedAt === undefined ? {} : { announcedAt }), problem };
}
