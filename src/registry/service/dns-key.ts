/**
 * The key that is a part of the address a host asks for names at: programs that speak DNS over HTTPS send no headers. It comes out of the
 * hash of the host key, so that nothing more is stored, and opens nothing but names: the host key cannot be got out of it.
 */
import { decodeHex, encodeHex, encodeUtf8, equalBytes } from '../../bytes.ts';
import { authenticateAgain, type HostCaller } from './credentials.ts';
import type { RegistryPorts } from './ports.ts';
import { done, refuse, UNAUTHORIZED, type Result } from './result.ts';

/** What stands before the eight characters that name a host key. */
const PREFIX = 'pgh_';
const KEY = /^([A-Za-z0-9_-]{8})\.([0-9a-f]{64})$/;
/** The hash of no credential, as in credentials.ts. */
const NO_HASH = '0'.repeat(64);

/** The same for every key that is not good. */
const NOT_FOUND = refuse('not-found', 'There is nothing here. /openapi.json lists all there is.');

/** `1a2b3c4d.` and 64 hexadecimal digits. */
export async function dnsKeyOf({ credentialId }: HostCaller, ports: RegistryPorts): Promise<Result<string>> {
  const found = await ports.store.findHostByCredential(credentialId);
  if (found === undefined) return UNAUTHORIZED; // it was removed this moment
  return done(`${credentialId.slice(PREFIX.length)}.${encodeHex(await derive(found.credential.hash, ports))}`);
}

/** The host whose key this is. */
export async function authenticateDnsKey(text: string, ports: RegistryPorts): Promise<Result<HostCaller>> {
  const [, id, digits = ''] = KEY.exec(text) ?? [];
  if (id === undefined) return NOT_FOUND;
  const found = await ports.store.findHostByCredential(PREFIX + id);
  const expected = await derive(found?.credential.hash ?? NO_HASH, ports);
  const given = decodeHex(digits);
  if (given === undefined || !equalBytes(given, expected) || found === undefined) return NOT_FOUND;
  // As for every other request of a host: its time may be up.
  const caller = await authenticateAgain({ credentialId: PREFIX + id }, ports);
  return caller.ok ? caller : NOT_FOUND;
}

async function derive(hash: string, { sha256 }: RegistryPorts): Promise<Uint8Array> {
  return sha256(encodeUtf8(`peerage dns ${hash}`));
}
