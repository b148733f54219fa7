/** The values of wg(8), and what it says of those that it refuses. */
import { parseFwmark, parseKeepalive, parsePort } from '../../config/fields.ts';
import { UserError } from '../../errors.ts';
import { encodeBase64, encodeUtf8, equalBytes } from '../../bytes.ts';
import { maskCidr, parseAddress, parseCidr, type Cidr } from '../../ip.ts';
import { KEY_BYTES } from '../../keys.ts';
import type { Ports } from '../ports.ts';
import { perror, valueError, WgError } from './wg-error.ts';

const ENOENT = 2;
const ENOTDIR = 20;
/** Of read(2) rather than open(2): EIO, EISDIR. */
const READ_FAILURES: ReadonlySet<number> = new Set([5, 21]);
/** Characters, and bytes, of a key. */
const KEY_TEXT = 44;
const NO_KEY = encodeBase64(new Uint8Array(KEY_BYTES));
const LARGEST_ULONG = 0xffff_ffff_ffff_ffffn;
/** What wg(8) takes for white space, as isspace(3) does. */
const SPACE = /[ \t\n\v\f\r]+/g;

export function withoutSpace(text: string): string {
  return text.replaceAll(SPACE, '');
}

/** A number or the name of a service. */
export async function readPort(ports: Pick<Ports, 'processes'>, text: string): Promise<number> {
  if (text === '') throw new WgError('Unable to parse empty port', usage('Unable to parse empty port'));
  if (text === '*') return refuse('Name or service not known', text); // getaddrinfo(3): neither a name nor a service
  return (await lookUpPort(ports, text)) ?? refuse('Servname not supported for ai_socktype', text);
}

/** As getaddrinfo(3) reads a service, for which `*` is none. Undefined for what is no port. */
export async function lookUpPort(ports: Pick<Ports, 'processes'>, text: string): Promise<number | undefined> {
  if (text === '*') return 0;
  const number = readInt(text);
  if (number !== undefined && number >= 0) return number & 0xffff;
  // Neither an option of getent(1) nor its separator, and no number, which it would take for a port.
  if (/^-|\/|^\d+$/.test(text)) return undefined;
  const { stdout } = await ports.processes.run('getent', ['services', `${text}/udp`]);
  return parsePort(/\s(\d+)\/udp/.exec(stdout)?.[1] ?? '');
}

/** An int as strtoul(3) and a conversion make it: `+5`, ` 5`, and 0 of 4294967296. Undefined when more than a number is there. */
function readInt(text: string): number | undefined {
  const [, sign, digits] = /^[ \t\n\v\f\r]*([+-]?)(\d+)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const whole = BigInt(digits);
  // Too large for 64 bits becomes the largest of them.
  return Number(BigInt.asIntN(32, whole > LARGEST_ULONG ? LARGEST_ULONG : sign === '-' ? -whole : whole));
}

export function readFwmark(text: string): number {
  return parseFwmark(text) ?? refuse('Fwmark is neither 0/off nor 0-0xffffffff', text);
}

export function readKeepalive(text: string): number {
  return parseKeepalive(text) ?? refuse('Persistent keepalive interval is neither 0/off nor 1-65535', text);
}

/** Reads with one of keys.ts's parsers. */
export function readKey<K>(text: string, parse: (text: string) => K | undefined, options?: { isSecret: true }): K {
  const key = parse(text);
  if (key === undefined) throw valueError('Key is not the correct length or format', text, options);
  return key;
}

/** The text of a key in a file; an empty file stands for "no key". */
export async function readKeyFile(ports: Pick<Ports, 'files'>, path: string): Promise<string> {
  const text = await readWholeFile(ports, path);
  // An empty pipe is a program that failed: it must not take the key away.
  if (text === '' && !/^\/(?:dev|proc\/self)\/fd\/|^\/dev\/stdin$/.test(path)) return NO_KEY;
  const bytes = encodeUtf8(text ?? '');
  if (bytes.length < KEY_TEXT)
    throw new WgError('Invalid length key in key file', new UserError(`${path} holds no key`));
  const trailing = withoutSpace(new TextDecoder().decode(bytes.subarray(KEY_TEXT)))[0];
  if (trailing !== undefined)
    throw new WgError(
      `Found trailing character in key file: \`${trailing}'`,
      new UserError(`${path} holds more than a key`),
    );
  return new TextDecoder().decode(bytes.subarray(0, KEY_TEXT));
}

/** Undefined for what can be opened but not read, as a folder: to wg(8) that is a file without a line. */
export async function readWholeFile(ports: Pick<Ports, 'files'>, path: string): Promise<string | undefined> {
  return perror('fopen', async () => {
    try {
      const text = await ports.files.read(path);
      if (text !== undefined) return text;
    } catch (error) {
      if (error instanceof UserError && READ_FAILURES.has(error.errno ?? 0)) return undefined;
      throw error;
    }
    const errno = (await isBelowFile(ports, path)) ? ENOTDIR : ENOENT;
    throw new UserError(`\`${path}' does not exist`, { errno });
  });
}

async function isBelowFile(ports: Pick<Ports, 'files'>, path: string): Promise<boolean> {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const parent = path.slice(0, end);
    // oxlint-disable-next-line no-await-in-loop -- up to the first that exists
    if ((await ports.files.mode(parent)) !== undefined) return (await ports.files.mode(`${parent}/.`)) === undefined;
  }
  return false;
}

/** Prefixes with their host bits, of which `warn` is told. */
export function readAllowedIps(text: string, warn: (message: string) => void): Cidr[] {
  const packed = withoutSpace(text);
  if (packed === '') return [];
  return packed.split(',').map((item) => {
    const [address = ''] = item.split('/', 1);
    if (parseAddress(address) === undefined) return refuse('Unable to parse IP address', address);
    const prefix = parseCidr(item.replace(/\/0+(?=\d)/, '/')) ?? refuse('AllowedIP is not in the correct format', item);
    if (!equalBytes(maskCidr(prefix).bytes, prefix.bytes)) warn(`Warning: AllowedIP has nonzero host part: ${item}\n`);
    return prefix;
  });
}

function refuse(what: string, value: string): never {
  throw valueError(what, value);
}

function usage(message: string): UserError {
  return new UserError(message, { exitCode: 2 });
}
