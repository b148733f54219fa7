/**
 * DNS messages (RFC 1035 section 4), as far as a server of five record types needs them: one question in, its answer out.
 * Hostile bytes never throw.
 */
import { concatBytes, encodeUtf8, readUint16BE } from '../../bytes.ts';

export const TYPE = { A: 1, NS: 2, SOA: 6, PTR: 12, AAAA: 28, ANY: 255 } as const;
export const CLASS = { IN: 1, ANY: 255 } as const;
/** Response codes, section 4.1.1. */
export const CODE = { success: 0, formatError: 1, noSuchName: 3, notImplemented: 4, refused: 5 } as const;

export interface Question {
  /** In lower case, without a dot at the end; the root is empty. Undefined when it has a byte that no name of ours has. */
  readonly name: string | undefined;
  readonly type: number;
  readonly class: number;
}

export interface Query {
  /** As it came, for the answer; empty when it could not be read. */
  readonly questionBytes: Uint8Array;
  readonly question: Question | undefined;
  readonly id: number;
  readonly opcode: number;
  readonly recursionDesired: boolean;
}

export interface DnsRecord {
  readonly name: string;
  readonly type: number;
  readonly ttlSeconds: number;
  readonly data: Uint8Array;
}

export interface DnsAnswer {
  readonly code: number;
  readonly isAuthoritative: boolean;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
}

const HEADER_BYTES = 12;
const MAX_NAME_BYTES = 255;
const MAX_LABEL_BYTES = 63;
const RESPONSE = 0x8000;
const AUTHORITATIVE = 0x0400;
const RECURSION_DESIRED = 0x0100;

/** Undefined for what is no query at all, so that there is nothing to answer. */
export function decodeQuery(message: Uint8Array): Query | undefined {
  if (message.length < HEADER_BYTES) return undefined;
  const flags = readUint16BE(message, 2);
  if ((flags & RESPONSE) !== 0) return undefined;
  const read = readUint16BE(message, 4) === 1 ? decodeQuestion(message) : undefined;
  return {
    id: readUint16BE(message, 0),
    opcode: (flags >> 11) & 0xf,
    recursionDesired: (flags & RECURSION_DESIRED) !== 0,
    question: read?.question,
    questionBytes: message.subarray(HEADER_BYTES, read?.end ?? HEADER_BYTES),
  };
}

export function encodeAnswer(query: Query, { code, isAuthoritative, answers, authority }: DnsAnswer): Uint8Array {
  const flags =
    RESPONSE |
    (query.opcode << 11) |
    (isAuthoritative ? AUTHORITATIVE : 0) |
    (query.recursionDesired ? RECURSION_DESIRED : 0) |
    code;
  const counts = [query.questionBytes.length > 0 ? 1 : 0, answers.length, authority.length, 0];
  const header = concatBytes(...[query.id, flags, ...counts].map(uint16));
  return concatBytes(header, query.questionBytes, ...[...answers, ...authority].map(encodeRecord));
}

/** A name of this program, of labels that fit. */
export function encodeName(name: string): Uint8Array {
  const labels = name === '' ? [] : name.split('.');
  return concatBytes(...labels.flatMap((label) => [Uint8Array.of(label.length), encodeUtf8(label)]), Uint8Array.of(0));
}

export function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

function encodeRecord({ name, type, ttlSeconds, data }: DnsRecord): Uint8Array {
  return concatBytes(encodeName(name), uint16(type), uint16(CLASS.IN), uint32(ttlSeconds), uint16(data.length), data);
}

/** A question stands first, so its name has nothing to point back to: compression there is a mistake. */
function decodeQuestion(message: Uint8Array): { question: Question; end: number } | undefined {
  const labels: string[] = [];
  let isPlain = true;
  let at = HEADER_BYTES;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > MAX_LABEL_BYTES) return undefined;
    at += 1;
    if (length === 0) break;
    const label = message.subarray(at, at + length);
    at += length;
    if (at - HEADER_BYTES >= MAX_NAME_BYTES) return undefined;
    isPlain &&= label.every(isNameByte);
    labels.push(String.fromCharCode(...label).toLowerCase());
  }
  const end = at + 4;
  if (end > message.length) return undefined;
  const name = isPlain ? labels.join('.') : undefined;
  return { question: { name, type: readUint16BE(message, at), class: readUint16BE(message, at + 2) }, end };
}

/** Letters, digits, hyphen and underscore: a dot inside a label would make two of it. */
function isNameByte(byte: number): boolean {
  return /[A-Za-z0-9_-]/.test(String.fromCharCode(byte));
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value);
}
