/**
 * Reads a wg(8) or wg-quick(8) file. Every problem of a file is collected, so that a person mends them in one go.
 *
 * Sections and keys are case-insensitive and may repeat: lists grow, of other values the last one counts.
 */
import { UserError } from '../errors.ts';
import { EMPTY_INTERFACE, type Config, type InterfaceConfig } from './config.ts';
import { INTERFACE_FIELDS, PEER_FIELDS, type Field, type InterfaceDraft, type PeerDraft } from './fields.ts';
import { isNamed, splitLines, type Entry, type Section } from './lines.ts';

export interface Problem {
  file: string;
  line: number;
  /** As written; absent when the problem is not with a value. */
  key?: string;
  /** What is there; never a secret. */
  found: string;
  expected: string;
}

/** Where the values came from: `peers` runs parallel to the configuration's. */
export interface ConfigSource {
  /** All [Interface] sections as one; absent when there is none. */
  interface: Section | undefined;
  peers: readonly Section[];
}

export type ParsedConfig = { config: Config; source: ConfigSource } | { problems: readonly Problem[] };

/** A file as far as it could be understood. */
export interface ConfigDraft {
  interface: InterfaceConfig;
  peers: readonly PeerDraft[];
  source: ConfigSource;
  problems: readonly Problem[];
}

export function parseConfig(text: string, options: { file: string }): ParsedConfig {
  const draft = draftConfig(text, options);
  if (draft.problems.length > 0) return { problems: draft.problems };
  // A peer without a key would have been a problem.
  return { config: { interface: draft.interface, peers: draft.peers as Config['peers'] }, source: draft.source };
}

/** The file's configuration; a UserError that tells all its problems when it has some. */
export function parseConfigOrThrow(text: string, options: { file: string }): Config {
  const parsed = parseConfig(text, options);
  if ('problems' in parsed) throw new ConfigError(parsed.problems);
  return parsed.config;
}

/** One error for all problems of a file. */
export class ConfigError extends UserError {
  readonly problems: readonly Problem[];

  /** `problems`: at least one. */
  constructor(problems: readonly Problem[]) {
    const [first, ...rest] = problems;
    if (first === undefined) throw new RangeError('"problems" expected at least one');
    const message = [
      describeProblem(first),
      ...rest.map((problem) => `${problem.file}:${problem.line}: ${describeProblem(problem)}`),
    ].join('\n');
    super(message, { position: { file: first.file, line: first.line } });
    this.problems = problems;
  }
}

/** `ListenPort: expected a port from 0 to 65535, found "http"`, without file and line. */
export function describeProblem(problem: Problem): string {
  const key = problem.key === undefined ? '' : `${problem.key}: `;
  return `${key}expected ${problem.expected}, found ${problem.found}`;
}

/** Reads as much as can be read, for check.ts. */
export function draftConfig(text: string, { file }: { file: string }): ConfigDraft {
  const problems: Problem[] = [];
  const sections = readSections(text, file, problems);
  const draft: InterfaceDraft = {
    ...EMPTY_INTERFACE,
    addresses: [],
    dns: [],
    preUp: [],
    postUp: [],
    preDown: [],
    postDown: [],
  };
  const interfaces = sections.filter((section) => isNamed(section.name, 'Interface'));
  for (const section of interfaces)
    readEntries(section, INTERFACE_FIELDS, PEER_FIELDS, draft, (problem) => problems.push({ file, ...problem }));

  const peerSections = sections.filter((section) => isNamed(section.name, 'Peer'));
  const peers = peerSections.map((section) => {
    const peer: PeerDraft = { allowedIps: [] };
    readEntries(section, PEER_FIELDS, INTERFACE_FIELDS, peer, (problem) => problems.push({ file, ...problem }));
    if (!section.entries.some((entry) => isNamed(entry.key, 'PublicKey')))
      problems.push({ file, line: section.line, found: 'a peer without one', expected: 'a PublicKey in every [Peer]' });
    return peer;
  });
  const source = { interface: joinSections(interfaces), peers: peerSections };
  return { interface: draft, peers, source, problems: problems.sort((a, b) => a.line - b.line) };
}

function readSections(text: string, file: string, problems: Problem[]): Section[] {
  const sections: { name: string; line: number; entries: Entry[] }[] = [];
  for (const { content, number: line } of splitLines(text)) {
    const current = sections.at(-1);
    if (content.type === 'header') {
      sections.push({ name: content.name, line, entries: [] });
      if (!isNamed(content.name, 'Interface') && !isNamed(content.name, 'Peer'))
        problems.push({ file, line, found: `[${content.name}]`, expected: '[Interface] or [Peer]' });
    } else if (content.type === 'unknown' || (content.type === 'entry' && current === undefined)) {
      const found = content.type === 'unknown' ? 'another line' : `${describeKey(content.key)} before any section`;
      problems.push({ file, line, found, expected: 'Key = value, under [Interface] or [Peer]' });
    } else if (content.type === 'entry') {
      current?.entries.push({ key: content.key, value: content.value, line });
    }
  }
  return sections;
}

function readEntries<Into>(
  section: Section,
  fields: readonly Field<Into>[],
  otherFields: readonly { name: string }[],
  into: Into,
  report: (problem: Omit<Problem, 'file'>) => void,
): void {
  for (const { key, value, line } of section.entries) {
    const field = fields.find((field) => isNamed(key, field.name));
    if (field === undefined) {
      const misplaced = otherFields.some((other) => isNamed(key, other.name));
      const found = misplaced ? `${key}, which belongs in the other section` : describeKey(key);
      const names = fields.map((field) => field.name).join(', ');
      report({ line, found, expected: `a key of [${section.name}] (${names})` });
    } else if (!field.read(value, into)) {
      report({ line, key: field.name, found: describeValue(value, field.secret), expected: field.expected });
    }
  }
}

/** A private key on a line of its own looks like a key with an empty value: only what looks like a word is shown. */
function describeKey(key: string): string {
  return /^[a-z]{1,24}$/i.test(key) ? key : 'another line';
}

function describeValue(value: string, secret: boolean): string {
  if (value === '') return 'nothing';
  return secret ? `${value.length} characters that are no key` : JSON.stringify(value);
}

function joinSections(sections: readonly Section[]): Section | undefined {
  const [first] = sections;
  return first && { ...first, entries: sections.flatMap((section) => section.entries) };
}
