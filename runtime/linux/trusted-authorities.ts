/**
 * Whom this host trusts to sign certificates, besides those that each runtime brings along: what update-ca-certificates has put into the
 * system's store, and curl goes by. It is looked at when a certificate was refused, since most registries have a public one.
 */
import { errorCode } from './system-error.ts';

/** Of Node and Bun. */
const UNKNOWN_AUTHORITY: ReadonlySet<string | undefined> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

/** What a request needs to be made with. */
export interface Trust {
  readonly tls: { readonly ca: string[] };
}

/** Whether a request failed because nobody who is trusted has signed the certificate of the other side. */
export function isUnknownAuthority(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Deno has no codes for it.
  return UNKNOWN_AUTHORITY.has(errorCode(error)) || /\bUnknownIssuer\b/.test(String(error.cause));
}

/**
 * Trusts the system's store as well, from now on: Node for the whole process, Bun for a request that gets what this returns. Deno has an
 * option for it only (DENO_TLS_CA_STORE=system).
 */
export async function trustSystem(): Promise<Trust> {
  const tls = await import('node:tls'); // each program would load it at its start, 3 ms, and few need it
  const ca = [...tls.getCACertificates('default'), ...tls.getCACertificates('system')];
  // Node 22.19 is the first that has it; NODE_EXTRA_CA_CERTS does the same on an older one.
  tls.setDefaultCACertificates?.(ca);
  return { tls: { ca } };
}
