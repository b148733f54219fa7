/**
 * Answers to DNS queries (RFC 1034 section 4.3) out of the names that one host sees: addresses below the suffix of its
 * network, and names for the addresses of its ranges. Whatever else is asked is refused: this is no resolver.
 *
 * 1. a message that is a query with one question, or there is nothing to say
 * 2. below the suffix: records, or that the name (NXDOMAIN) or the type (no data) is not there, with the SOA
 * 3. an address of a range, backwards: its name, or that it has none
 */
import { addressFromBytes, containsAddress, formatAddress, knownCidr, parseAddress, type IpAddress } from '../../ip.ts';
import { concatBytes } from '../../bytes.ts';
import { CLASS, CODE, decodeQuery, encodeAnswer, encodeName, TYPE, uint32 } from './dns-message.ts';
import type { DnsAnswer, DnsRecord, Question } from './dns-message.ts';
import { serialOf, type Names } from './names.ts';
import { familyOf } from './view.ts';
import { NAME_TTL_SECONDS } from './zone.ts';

const REFUSED: DnsAnswer = { code: CODE.refused, isAuthoritative: false, answers: [], authority: [] };

/** Undefined for bytes that are no query. `ranges` of the network, as prefixes. */
export function answerDns(message: Uint8Array, names: Names, ranges: readonly string[]): Uint8Array | undefined {
  const query = decodeQuery(message);
  if (query === undefined) return undefined;
  const { question } = query;
  if (query.opcode !== 0) return encodeAnswer(query, { ...REFUSED, code: CODE.notImplemented });
  if (question === undefined) return encodeAnswer(query, { ...REFUSED, code: CODE.formatError });
  return encodeAnswer(query, answer(question, names, ranges));
}

function answer(question: Question, names: Names, ranges: readonly string[]): DnsAnswer {
  const { name } = question;
  if (question.class !== CLASS.IN && question.class !== CLASS.ANY) return REFUSED;
  if (name === undefined) return REFUSED;
  if (name === names.suffix) return answerWith(apexRecords(names), question, names.suffix, names);
  if (name.endsWith(`.${names.suffix}`)) {
    const host = names.hosts.find((host) => host.name === name.slice(0, -names.suffix.length - 1));
    return answerWith(
      host?.addresses.map((text) => addressRecord(name, text)),
      question,
      names.suffix,
      names,
    );
  }
  const address = reversedAddress(name);
  const range = ranges.map(knownCidr).find((range) => address !== undefined && containsAddress(range, address));
  if (address === undefined || range === undefined) return REFUSED;
  const text = formatAddress(address);
  const host = names.hosts.find(({ addresses }) => addresses.includes(text));
  const records = host && [record(name, TYPE.PTR, encodeName(`${host.name}.${names.suffix}`))];
  return answerWith(records, question, reverseZone(name, range.prefixLength), names);
}

/** `records` of the name; undefined when there is no such name. `zone` is what its SOA stands at. */
function answerWith(
  records: readonly DnsRecord[] | undefined,
  { type }: Question,
  zone: string,
  names: Names,
): DnsAnswer {
  const answers = (records ?? []).filter((record) => type === TYPE.ANY || type === record.type);
  const authority = answers.length > 0 ? [] : [soaRecord(zone, names)];
  const code = records === undefined ? CODE.noSuchName : CODE.success;
  return { code, isAuthoritative: true, answers, authority };
}

function apexRecords(names: Names): DnsRecord[] {
  return [soaRecord(names.suffix, names), record(names.suffix, TYPE.NS, encodeName('localhost'))];
}

/** As in the zone file. Its last time is how long a "there is none" may be kept, RFC 2308. */
function soaRecord(zone: string, { version }: Names): DnsRecord {
  const times = [serialOf(version), 3600, 600, 604_800, NAME_TTL_SECONDS].map(uint32);
  return record(zone, TYPE.SOA, concatBytes(encodeName('localhost'), encodeName('nobody.invalid'), ...times));
}

function addressRecord(name: string, text: string): DnsRecord {
  const { bytes } = parseAddress(text)!; // addresses of hosts were parsed when they were given out
  return record(name, familyOf(text) === 4 ? TYPE.A : TYPE.AAAA, bytes);
}

function record(name: string, type: number, data: Uint8Array): DnsRecord {
  return { name, type, ttlSeconds: NAME_TTL_SECONDS, data };
}

/** `3.2.1.10.in-addr.arpa` and its like of 32 nibbles in ip6.arpa (RFC 3596 section 2.5), whole addresses only. */
function reversedAddress(name: string): IpAddress | undefined {
  const [, ipv4] = /^((?:[0-9]{1,3}\.){4})in-addr\.arpa$/.exec(name) ?? [];
  if (ipv4 !== undefined) return parseAddress(ipv4.split('.').reverse().slice(1).join('.'));
  const [, ipv6] = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name) ?? [];
  if (ipv6 === undefined) return undefined;
  const digits = ipv6.replaceAll('.', '').split('').reverse().join('');
  return addressFromBytes(Uint8Array.from({ length: 16 }, (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16)));
}

/** The smallest zone with the whole range in it or a part of it, and this name: each label of it stands for whole digits. */
function reverseZone(name: string, prefixLength: number): string {
  const labels = name.split('.');
  const [bits, count] = name.endsWith('.ip6.arpa') ? [4, 32] : [8, 4];
  return labels.slice(count - Math.ceil(prefixLength / bits)).join('.');
}
