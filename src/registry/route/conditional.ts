/** Conditional requests (RFC 9110 section 13): what a client has seen already is not sent again, nor changed unseen. */
import type { Context } from 'hono';
import type { RegistryEnv } from '../env.ts';
import type { UnreadNames } from '../service/names.ts';
import { refuse, type Result } from '../service/result.ts';
import type { View } from '../service/view.ts';

/**
 * One version of what a host sees, in one format, says the same. The host's own port and end are in it because
 * they change without a version: no other host sees them. (Only a comment in wg0.conf, the registry's name, follows what the client calls it.)
 */
export function viewEtag({ host, network, version }: View, format: string): string {
  return `"${network.id}.${version}.${host.listenPort}.${host.expiresAt ?? 0}.${format}"`;
}

/** All names of one version, or those that the reader sees, in one format. */
export function namesEtag({ network, version }: UnreadNames, format: string, reader?: Pick<View, 'host'>): string {
  return `"${network.id}.${version}.${format}${reader === undefined ? '' : `.${reader.host.name}`}"`;
}

export function hostEtag({ version }: { version: number }): string {
  return `"${version}"`;
}

export function networkEtag({ revision }: { revision: number }): string {
  return `"${revision}"`;
}

/** Whether If-None-Match names this tag. */
export function hasSeen(c: Context<RegistryEnv>, etag: string): boolean {
  const header = c.req.header('if-none-match');
  if (header === undefined) return false;
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}

/** The version that If-Match names, as hostEtag and networkEtag write it: for what writes over fields, which nobody may do unread. */
export function expectedVersion(c: Context<RegistryEnv>): Result<number> {
  const version = statedVersion(c);
  if (!version.ok || version.value !== undefined) return version as Result<number>; // undefined is excluded
  return refuse('precondition-required', 'Send the ETag of what you have read as If-Match, so that no change is lost.');
}

/** The same for what may be done to a thing as it is, whatever it is: undefined without If-Match. */
export function statedVersion(c: Context<RegistryEnv>): Result<number | undefined> {
  const header = c.req.header('if-match');
  if (header === undefined) return { ok: true, value: undefined };
  const [, digits] = /^"([0-9]{1,15})"$/.exec(header.trim()) ?? [];
  return digits === undefined
    ? refuse('stale', 'If-Match is no ETag of this resource. Read it again, then repeat the change.')
    : { ok: true, value: Number(digits) };
}
