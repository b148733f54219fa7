/** The values of wg(8), and what it says of those that it refuses. */
import { parseFwmark, parseKeepalive, parsePort } from '../../config/fields.ts';
import { UserError } from '../../errors.ts';
import { encodeBase64, equalBytes } from '../../bytes.ts';
import { maskCidr, parseAddress, parseCidr, type Cidr } from '../../ip.ts';
import { KEY_BYTES } from '../../keys.ts';
import type { Ports } from '../ports.ts';
import { perror, valueError, WgError } from './wg-error.ts';

const ENOENT = 2;
/** Characters of a key. */
const KEY_TEXT = 44;
const NO_KEY = encodeBase64(new Uint8Array(KEY_BYTES));
/** What wg(8) takes for white space, as isspace(3) does. */
const SPACE = /[ \t\n\v\f\r]+/g;

export function withoutSpace(text: string): string {
  return text.replaceAll(SPACE, '');
}

/** A number or the name of a service. */
export async function readPort(ports: Pick<Ports, 'processes'>, text: string): Promise<number> {
  if (text === '') throw new WgError('Unable to parse empty port', usage('Unable to parse empty port'));
  return (await lookUpPort(ports, text)) ?? refuse('Servname not supported for ai_socktype', text);
}

/** Undefined for what is no port. */
export async function lookUpPort(ports: Pick<Ports, 'processes'>, text: string): Promise<number | undefined> {
  const number = parsePort(text);
  if (number !== undefined || !/^[a-z][\w-]*$/i.test(text)) return number;
  const { stdout } = await ports.processes.run('getent', ['services', `${text}/udp`]);
  return parsePort(/\s(\d+)\/udp/.exec(stdout)?.[1] ?? '');
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
  if (text.length < KEY_TEXT)
    throw new WgError('Invalid length key in key file', new UserError(`${path} holds no key`));
  const trailing = withoutSpace(text.slice(KEY_TEXT))[0];
  if (trailing !== undefined)
    throw new WgError(
      `Found trailing character in key file: \`${trailing}'`,
      new UserError(`${path} holds more than a key`),
    );
  return text.slice(0, KEY_TEXT);
}

export async function readWholeFile(ports: Pick<Ports, 'files'>, path: string): Promise<string> {
  return perror('fopen', async () => {
    const text = await ports.files.read(path);
    if (text === undefined) throw new UserError(`\`${path}' does not exist`, { errno: ENOENT });
    return text;
  });
}

/** Prefixes with their host bits, of which `warn` is told. */
export function readAllowedIps(text: string, warn: (message: string) => void): Cidr[] {
  const packed = withoutSpace(text);
  if (packed === '') return [];
  return packed.split(',').map((item) => {
    const [address = ''] = item.split('/', 1);
    if (parseAddress(address) === undefined) return refuse('Unable to parse IP address', address);
    const prefix = parseCidr(item) ?? refuse('AllowedIP is not in the correct format', item);
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
