/**
 * A new key pair for a joined interface: `peerage rotate` leaves the wish in a file, and the agent takes the steps of
 * src/agent/rotation.ts, one at each look. The file holds the next private key until it is in use: 0600, like the others.
 */
import { z } from 'zod';
import { afterAnswer, nextStep, type Rotation, type RotationStep } from '../agent/rotation.ts';
import { parseJson } from '../agent/exchange.ts';
import { replacePrivateKey } from '../config/rewrite.ts';
import { UserError } from '../errors.ts';
import { formatKey, generatePrivateKey, parsePrivateKey, type PublicKey } from '../keys.ts';
import { PublicKeyText as KeyText } from '../registry/wire.ts';
import { readConfigFileQuietly } from './config-file.ts';
import { MEMBERSHIP_FOLDER } from './membership-path.ts';
import type { Membership } from './membership.ts';
import type { Ports } from './ports.ts';
import { callRegistry } from './registry-call.ts';
import { changeTunnel } from './tunnel.ts';

/** Of the file. */
const StoredRotation = z.object({
  noticeMs: z.number().int().min(0),
  next: z.object({ privateKey: KeyText, publicKey: KeyText }).optional(),
  announcedAt: z.number().optional(),
  problem: z.string().optional(),
});

/** After a step that failed. */
const PAUSE_MS = 10_000;

export function rotationPath(interfaceName: string): string {
  return `${MEMBERSHIP_FOLDER}/${interfaceName}.rotation`;
}

/** Undefined when nobody wishes for a new key, or what is there is none of ours. */
export async function readRotation({ files }: Pick<Ports, 'files'>, name: string): Promise<Rotation | undefined> {
  const text = await files.read(rotationPath(name));
  return text === undefined ? undefined : StoredRotation.safeParse(parseJson(text)).data;
}

export async function writeRotation(
  { files }: Pick<Ports, 'files'>,
  name: string,
  rotation: Rotation | undefined,
): Promise<void> {
  const path = rotationPath(name);
  if (rotation === undefined) return files.remove(path);
  return files.write(path, `${JSON.stringify(rotation)}\n`, { mode: 0o600 });
}

/** `publicKey` when a new one is in use. */
export interface Advance {
  said: string;
  publicKey?: string;
}

/** Throws a UserError when the interface's file does not hold the private key, which would be where nobody puts the new one. */
export async function expectPrivateKey(ports: Pick<Ports, 'files'>, name: string): Promise<void> {
  const { path, config } = await readConfigFileQuietly(ports, name);
  if (config.interface.privateKey !== undefined) return;
  throw new UserError(`${path} holds no PrivateKey, so a new one cannot be put there`, {
    remedy: `Write the line \`PrivateKey = ...\` into it, in the place of what sets the key now (PostUp?), then: peerage rotate ${name}`,
  });
}

export class KeyRotation {
  readonly #ports: Ports;
  readonly #name: string;
  #nextAt = 0;

  constructor(ports: Ports, name: string) {
    this.#ports = ports;
    this.#name = name;
  }

  /** Takes the next step if there is one, and says what was done. */
  async look(membership: Membership, signal: AbortSignal): Promise<Advance | undefined> {
    const { clock } = this.#ports;
    if (clock.monotonic() < this.#nextAt) return undefined;
    let rotation = await readRotation(this.#ports, this.#name);
    if (rotation === undefined) return undefined;
    let step = nextStep(rotation, membership.hostKey, clock.wall());
    if (step.type === 'notice') return undefined;
    try {
      if (step.type === 'make' || step.type === 'announce') {
        const refusal = await this.#refusal();
        if (refusal !== undefined) return refusal;
      }
      if (step.type === 'make') {
        rotation = { noticeMs: rotation.noticeMs, next: await this.#makeKeys() };
        await writeRotation(this.#ports, this.#name, rotation);
        step = nextStep(rotation, membership.hostKey, clock.wall());
      }
      if (step.type !== 'announce' && step.type !== 'use') return undefined;
      return await this.#tell(step, rotation, membership, signal);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return this.#fail({ ...rotation, problem: error.message });
    }
  }

  /** Once the new key is remembered elsewhere. */
  forget(): Promise<void> {
    return writeRotation(this.#ports, this.#name, undefined);
  }

  /** The wish is given up before anybody hears of it: waiting would not mend it. */
  async #refusal(): Promise<Advance | undefined> {
    try {
      await expectPrivateKey(this.#ports, this.#name);
      return undefined;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      await this.forget();
      return { said: `no new key: ${error.message}` };
    }
  }

  async #tell(
    step: Extract<RotationStep, { request: unknown }>,
    rotation: Rotation,
    { registry }: Membership,
    signal: AbortSignal,
  ): Promise<Advance> {
    if (step.type === 'use') await this.#usePrivateKey(step.next.privateKey);
    const answer = await callRegistry(this.#ports, registry, step.request, signal);
    const after = afterAnswer(rotation, step.type, answer, this.#ports.clock.wall());
    if (after?.problem !== undefined) return this.#fail(after);
    if (after === undefined && step.type === 'use') return { said: 'has a new key', publicKey: step.next.publicKey };
    await writeRotation(this.#ports, this.#name, after);
    return { said: `announced its next key, to be used in ${Math.ceil(rotation.noticeMs / 1000)} seconds` };
  }

  /** The interface's file first: whoever brings it up after a crash has the key that the tunnel may have had. */
  async #usePrivateKey(text: string): Promise<void> {
    const privateKey = parsePrivateKey(text)!; // 32 bytes: the schema of the file says so
    const file = await readConfigFileQuietly(this.#ports, this.#name);
    const changed = replacePrivateKey(file.text, privateKey);
    if (changed === undefined) throw new UserError(`${file.path} holds no PrivateKey any more`);
    if (changed !== file.text) await this.#ports.files.write(file.path, changed, { mode: 0o600 });
    await changeTunnel(this.#ports, this.#name, { privateKey });
  }

  async #makeKeys(): Promise<NonNullable<Rotation['next']>> {
    const privateKey = generatePrivateKey(this.#ports.random);
    const crypto = await this.#ports.crypto();
    const publicKey = crypto.publicKey(privateKey) as PublicKey; // 32 bytes by its contract
    return { privateKey: formatKey(privateKey), publicKey: formatKey(publicKey) };
  }

  async #fail(rotation: Rotation): Promise<Advance> {
    await writeRotation(this.#ports, this.#name, rotation);
    this.#nextAt = this.#ports.clock.monotonic() + PAUSE_MS;
    return { said: `no new key yet: ${rotation.problem}; trying again in ${PAUSE_MS / 1000} seconds` };
  }
}
