/** What check.ts finds, and the files it looks at. */
import { formatCidr, type Cidr } from '../ip.ts';
import type { PublicKey } from '../keys.ts';
import { parseAllowedIps, type PeerDraft } from './fields.ts';
import { lineOf, type Section } from './lines.ts';
import type { ConfigDraft } from './parse.ts';

export type Severity = 'error' | 'warning' | 'info';

export interface Finding {
  severity: Severity;
  /** Stable, for machines: `shared-private-key`. */
  code: FindingCode;
  file: string;
  line: number;
  message: string;
  /** What to do about it. */
  remedy: string;
}

export type FindingCode =
  | 'invalid' // a value, a key or a section that no tool would accept
  | 'semicolon-comment'
  | 'no-interface'
  | 'no-private-key'
  | 'no-address'
  | 'network-address'
  | 'small-mtu'
  | 'host-bits'
  | 'no-allowed-ips'
  | 'self-peer'
  | 'duplicate-peer'
  | 'overlapping-allowed-ips'
  | 'unreachable-peer'
  | 'port-clash'
  | 'readable-by-others'
  | 'shared-private-key'
  | 'duplicate-address'
  | 'unknown-public-key'
  | 'address-mismatch'
  | 'port-mismatch'
  | 'one-sided-peer'
  | 'preshared-key-mismatch'
  | 'missing-keepalive';

/** A file of the set, as far as it could be understood. */
export interface CheckedFile extends ConfigDraft {
  file: string;
  text: string;
  /** Of its private key, when it has one. */
  publicKey: PublicKey | undefined;
}

/** A peer and the section that it was read from. */
export interface PeerSection {
  peer: PeerDraft;
  section: Section;
}

/** Takes the findings of one file. */
export type Reporter = Readonly<
  Record<Severity, (code: FindingCode, line: number, message: string, remedy: string) => void>
>;

export function createReporter(file: string, findings: Finding[]): Reporter {
  const report =
    (severity: Severity): Reporter['error'] =>
    (code, line, message, remedy) =>
      void findings.push({ severity, code, file, line, message, remedy });
  return { error: report('error'), warning: report('warning'), info: report('info') };
}

/** By file in the order given, then by line. */
export function sortFindings(findings: readonly Finding[], files: readonly string[]): Finding[] {
  const place = new Map(files.map((file, i) => [file, i]));
  return findings.toSorted((a, b) => (place.get(a.file) ?? 0) - (place.get(b.file) ?? 0) || a.line - b.line);
}

/** The line of an AllowedIPs or Address value that names this prefix. */
export function lineOfPrefix(section: Section, key: 'AllowedIPs' | 'Address', prefix: Cidr): number {
  const text = formatCidr(prefix);
  return lineOf(section, key, (value) =>
    value.split(/[\s,]+/).some((item) => (parseAllowedIps(item) ?? []).some((cidr) => formatCidr(cidr) === text)),
  );
}
