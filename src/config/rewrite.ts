/**
 * Changes the peers of a configuration file and leaves alone what does not change: comments, order, spelling and spaces
 * of everything else stay byte for byte, so that a file which a person keeps and one which a registry refreshes can be
 * the same file.
 */
import { formatCidr, maskCidr, type Cidr } from '../ip.ts';
import { formatKey, parsePublicKey, type PrivateKey } from '../keys.ts';
import type { PeerConfig } from './config.ts';
import { parseAllowedIps, PEER_FIELDS, type PeerDraft } from './fields.ts';
import { formatEntry, formatPeer, peerEntries, type FormattedEntry } from './format.ts';
import { isNamed, splitLines, type Line } from './lines.ts';

/** A header and what belongs to it: the comment lines right above it, and everything up to the next such block. */
interface Block {
  header: string | undefined;
  lines: readonly Line[];
}

const SINGLE_VALUES = ['PresharedKey', 'Endpoint', 'PersistentKeepalive'];

/**
 * The same file with exactly these peers. The section of a peer that is not in the list goes, with its comments; a
 * section that says the same already stays as it is; of another, only the values that differ are written anew; new
 * peers come at the end, in the order of the list.
 */
export function replacePeers(text: string, peers: readonly PeerConfig[]): string {
  const missing = new Map(peers.map((peer) => [formatKey(peer.publicKey), peer]));
  const endOfLine = /\r?\n/.exec(text)?.[0] ?? '\n';
  let kept = '';
  for (const block of splitBlocks(splitLines(text))) {
    if (block.header === undefined || !isNamed(block.header, 'Peer')) {
      kept += rawText(block.lines);
      continue;
    }
    const key = publicKeyOf(block);
    const peer = missing.get(key);
    // The second section of the same peer goes too: its values are in the first one then.
    missing.delete(key);
    if (peer !== undefined) kept += editPeer(block.lines, peer, endOfLine);
  }
  const added = [...missing.values()].map((peer) => formatPeer(peer).replaceAll('\n', endOfLine));
  if (added.length === 0) return kept;
  const gap = kept === '' || /\n\r?\n$/.test(kept) ? '' : endOfLine;
  return withEnd(kept, endOfLine) + gap + added.join(endOfLine);
}

/** The file with another private key; undefined when it holds none, because it is somewhere else. */
export function replacePrivateKey(text: string, privateKey: PrivateKey): string | undefined {
  const blocks = splitBlocks(splitLines(text));
  const own = blocks.filter((block) => block.header !== undefined && isNamed(block.header, 'Interface'));
  // The last one counts.
  const entry = own.flatMap((block) => entriesOf(block.lines, 'PrivateKey')).at(-1);
  if (entry === undefined) return undefined;
  const edit = (line: Line): string => (line === entry.line ? withValue(line.raw, formatKey(privateKey)) : line.raw);
  return blocks.map((block) => block.lines.map(edit).join('')).join('');
}

function splitBlocks(lines: readonly Line[]): Block[] {
  const starts = lines.flatMap((line, i) => (line.content.type === 'header' ? [startOf(lines, i)] : []));
  return [0, ...starts].map((start, i) => {
    const own = lines.slice(start, starts[i] ?? lines.length);
    const header = i === 0 ? undefined : own.find((line) => line.content.type === 'header')?.content;
    return { header: header?.type === 'header' ? header.name : undefined, lines: own };
  });
}

/** The first of the comment lines that stand right above a header. */
function startOf(lines: readonly Line[], header: number): number {
  let start = header;
  while (lines[start - 1]?.content.type === 'comment') start--;
  return start;
}

function publicKeyOf(block: Block): string {
  const value = entriesOf(block.lines, 'PublicKey').at(-1)?.value ?? '';
  const key = parsePublicKey(value.replaceAll(/\s+/g, ''));
  return key === undefined ? '' : formatKey(key);
}

function editPeer(lines: readonly Line[], peer: PeerConfig, endOfLine: string): string {
  const { edits, missing } = diffPeer(lines, peer);
  const edited = lines.map((line) => edits.get(line.number) ?? line.raw);
  if (missing.length === 0) return edited.join('');
  const insertAt = 1 + lines.findLastIndex((line) => line.content.type === 'entry');
  const before = withEnd(edited.slice(0, insertAt).join(''), endOfLine);
  const inserted = missing.map((entry) => formatEntry(entry) + endOfLine).join('');
  return before + inserted + edited.slice(insertAt).join('');
}

interface PeerEdits {
  /** New text of lines that change, by line number; an empty text removes the line. */
  edits: ReadonlyMap<number, string>;
  /** Values that no line holds yet. */
  missing: readonly FormattedEntry[];
}

function diffPeer(lines: readonly Line[], peer: PeerConfig): PeerEdits {
  const edits = new Map<number, string>();
  const missing: FormattedEntry[] = [];
  const wanted = new Map(peerEntries(peer));
  for (const key of SINGLE_VALUES) {
    const [first, ...others] = entriesOf(lines, key);
    const value = wanted.get(key);
    if (first === undefined) {
      if (value !== undefined) missing.push([key, value]);
      continue;
    }
    const present = (others.at(-1) ?? first).value;
    if (canonicalValue(key, present, peer) === value) continue;
    edits.set(first.line.number, value === undefined ? '' : withValue(first.line.raw, value));
    for (const other of others) edits.set(other.line.number, '');
  }

  const allowed = new Map(peer.allowedIps.map((cidr) => [prefixKey(cidr), formatCidr(cidr)]));
  const seen = new Set<string>();
  for (const { line, value } of entriesOf(lines, 'AllowedIPs')) {
    const present = parseAllowedIps(value) ?? [];
    const stay = present.filter((cidr) => allowed.has(prefixKey(cidr)));
    for (const cidr of stay) seen.add(prefixKey(cidr));
    if (stay.length < present.length)
      edits.set(line.number, stay.length === 0 ? '' : withValue(line.raw, stay.map(formatCidr).join(', ')));
  }
  const unseen = [...allowed].flatMap(([key, text]) => (seen.has(key) ? [] : [text]));
  if (unseen.length > 0) missing.push(['AllowedIPs', unseen.join(', ')]);
  return { edits, missing };
}

/** A value as it would be written by us: `off` and `0` are the same keepalive. */
function canonicalValue(key: string, value: string, { publicKey }: PeerConfig): string | undefined {
  const draft: PeerDraft = { allowedIps: [] };
  PEER_FIELDS.find((field) => field.name === key)?.read(value, draft);
  return new Map(peerEntries({ ...draft, publicKey })).get(key);
}

function entriesOf(lines: readonly Line[], key: string): { line: Line; value: string }[] {
  return lines.flatMap((line) =>
    line.content.type === 'entry' && isNamed(line.content.key, key) ? [{ line, value: line.content.value }] : [],
  );
}

/** The line with another value; indentation, spelling of the key and a comment behind it stay. */
function withValue(raw: string, value: string): string {
  return raw.replace(
    /^([^=]*=[^\S\r\n]*)[^#\r\n]*?(\s*(?:#.*)?\s*)$/,
    (_, before: string, after: string) => before + value + after,
  );
}

function prefixKey(cidr: Cidr): string {
  return formatCidr(maskCidr(cidr));
}

function rawText(lines: readonly Line[]): string {
  return lines.map((line) => line.raw).join('');
}

function withEnd(text: string, endOfLine: string): string {
  return text === '' || text.endsWith('\n') ? text : text + endOfLine;
}
