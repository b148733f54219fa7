/** What an importer finds in somebody else's files. Private keys are not part of it: they stay where they are. */
import type { NewNetwork } from '../../registry/wire.ts';

export interface FoundHost {
  /** Fit for a registry: lower-case letters, digits and inner hyphens. */
  readonly name: string;
  /** Undefined when nothing tells it. */
  readonly publicKey: string | undefined;
  /** Without prefix lengths; the registry draws what is missing. */
  readonly addresses: readonly string[];
  /** `host:port`, or null for a dynamic address. */
  readonly endpoint: string | null;
  readonly listenPort: number | undefined;
  /** Subnets behind it. */
  readonly routes: readonly string[];
  /** Groups that rules name. */
  readonly tags?: readonly string[];
}

export interface Found {
  /** CIDRs. */
  readonly ranges: readonly string[];
  readonly listenPort: number | undefined;
  readonly hosts: readonly FoundHost[];
  /** Who sees whom, for a network that is made for them; without, everybody sees everybody. */
  readonly rules?: NewNetwork['rules'];
  /** What a person should know or do, as sentences. */
  readonly notes: readonly string[];
}

/** A host name out of any text; `fallback` when nothing of it is left. */
export function nameOf(text: string, fallback: string): string {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, '');
  return name === '' ? fallback : name;
}

/** A name that none of the others has, where the source lets several share one. */
export function uniqueName(name: string, others: readonly { readonly name: string }[]): string {
  const isTaken = (candidate: string): boolean => others.some((other) => other.name === candidate);
  let candidate = name;
  for (let i = 2; isTaken(candidate); i++) candidate = `${name.slice(0, 58)}-${i}`;
  return candidate;
}
