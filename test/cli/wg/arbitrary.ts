/** Arguments and files for wg(8) that are nearly right: made of the pieces that right ones are made of. */
import * as fc from 'fast-check';

const KEY = 'xFXzNIDQ5NJkY0Pgg5hG1fZg0RAD51nnu5MMBbhlpCg=';

const number = word('0123456789+- xof', 7);
const address = fc.oneof(fc.ipV4(), fc.ipV6());
const nearlyAddress = word('0123456789.:af%/[] ,*', 16);
const prefix = fc.tuple(address, word('0123456789/', 3)).map((parts) => parts.join('/'));
const endpoint = fc.oneof(
  nearlyAddress,
  fc.tuple(address, number).map(([host, port]) => `${host}:${port}`),
  fc.tuple(address, number).map(([host, port]) => `[${host}]:${port}`),
);
const allowedIps = fc.oneof(nearlyAddress, fc.array(prefix, { maxLength: 3 }).map(String));
const words = fc.constantFrom('peer', 'remove', KEY, 'listen-port', 'allowed-ips', 'endpoint', 'fwmark', 'off');

/** What follows `wg set INTERFACE`. */
export const settings: fc.Arbitrary<string[]> = fc.oneof(
  number.map((text) => ['listen-port', text]),
  number.map((text) => ['fwmark', text]),
  number.map((text) => ['peer', KEY, 'persistent-keepalive', text]),
  endpoint.map((text) => ['peer', KEY, 'endpoint', text]),
  allowedIps.map((text) => ['peer', KEY, 'allowed-ips', text]),
  fc.array(fc.oneof(words, number, prefix), { minLength: 1, maxLength: 6 }),
);

const keys = fc.constantFrom(
  'ListenPort',
  'FwMark',
  'persistentkeepalive',
  'AllowedIPs',
  'Endpoint',
  'PrivateKey',
  'PublicKey',
);
const line = fc.oneof(
  fc.constantFrom('[Interface]', '[Peer]', ' [peer] ', `PublicKey = ${KEY}`, 'ListenPort = 5', '', '#'),
  fc
    .tuple(keys, fc.constantFrom('=', ' = ', ' ', '=='), fc.oneof(number, nearlyAddress, prefix, endpoint))
    .map((parts) => parts.join('')),
  word('[]=#Peer Intrfac\t\r\0\v', 12),
);

/** A file for `wg setconf`. */
export const files: fc.Arbitrary<string> = fc.array(line, { maxLength: 6 }).map((lines) => `${lines.join('\n')}\n`);

function word(characters: string, maxLength: number): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...characters.split('')), maxLength });
}
