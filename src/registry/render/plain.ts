/**
 * A host's configuration whose every text is plain: of characters that mean nothing in any of the formats, neither quotes
 * nor spaces, line breaks, `$`, `#`, `;` or backslashes. So a renderer writes values as they are, and none can begin a line,
 * an option or a command of its own.
 *
 * The wire format allows no more than that already. This is for the day on which it does, and for rows in the database
 * that another hand wrote.
 */
import { perObject } from './per-object.ts';
import type { HostConfig, PeerView } from '../wire.ts';

declare const plainBrand: unique symbol;

export type PlainConfig = HostConfig & { readonly [plainBrand]: true };

/** Names, keys in base64, addresses, prefixes, endpoints. */
const PLAIN = /^[A-Za-z0-9.:/+=_[\]-]+$/;

/** Throws RangeError, without the text, for one that is not plain. */
export function plainConfig(config: HostConfig): PlainConfig {
  const { network, host, peers } = config;
  expectPlain('network', [network.name, network.suffix, ...network.ranges]);
  expectPlain('host', [host.name, host.publicKey, host.endpoint, ...host.addresses, ...host.routes]);
  expectPlain('host', [host.exit ?? null, ...(host.requestedRoutes ?? [])]);
  for (const peer of peers) expectPlainPeer(peer);
  return config as PlainConfig; // as just checked
}

/** Of one that is not, nothing is kept: it throws each time. */
const expectPlainPeer = perObject((peer: PeerView): true => {
  expectPlain('peer', [peer.name, peer.publicKey, peer.endpoint, ...peer.allowedIps]);
  return true;
});

/** Throws RangeError, without the text, when one is not plain; `part` says what it is of. */
export function expectPlain(part: string, texts: readonly (string | null)[]): void {
  if (texts.some((text) => text !== null && !PLAIN.test(text)))
    throw new RangeError(`"${part}" expected names, keys, addresses and endpoints without other characters`);
}

/** The text of a comment, as it is. Throws RangeError when it would not end with its line. */
export function expectOneLine(text: string): string {
  if (/[\p{Cc}\u2028\u2029]/u.test(text)) throw new RangeError('"text" expected one line');
  return text;
}
