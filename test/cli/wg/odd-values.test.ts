/** Values that no person writes, but a script may: Debian's wg(8) and ours read them alike, whatever they make of them. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { labOptions } from '../../interop/lab/requirements.ts';
import { files, settings } from './arbitrary.ts';
import { BesideWg, FILE, type BothCase } from './beside-wg.ts';

const KEY = 'xFXzNIDQ5NJkY0Pgg5hG1fZg0RAD51nnu5MMBbhlpCg=';
const PEER = `[Peer]\nPublicKey=${KEY}\n`;

const NUMBERS = [
  '',
  '0',
  '5',
  '+5',
  ' 5',
  '\t5',
  '\v5',
  '\n5',
  '-5',
  '--5',
  '+-5',
  '5 ',
  '5\n',
  '05',
  '00000000000000000005',
  '5.0',
  '1e3',
  '65535',
  '65536',
  '65537',
  '131072',
  '4294967295',
  '4294967296',
  '4294967297',
  '18446744073709551615',
  '18446744073709551616',
  '99999999999999999999999',
  '-4294967295',
  '-18446744073709551615',
  '-65531',
  '0x5',
  '0X5',
  '0x',
  '0xg',
  '0x+5',
  '0x0x5',
  '0xffffffff',
  '0x100000000',
  '0x000000000000000005',
  '0xFFFF',
  '*',
  '**',
  'off',
  'OFF',
  'of',
  'domain',
  'DOMAIN',
  'domain ',
  'domain/udp',
  '53/udp',
  '-s',
  '３',
  '\u00a05',
  '1_0',
  '%d',
  '+',
  '-',
];
const HOSTS = [
  '',
  '*',
  '0',
  '1',
  '127.1',
  '0x7f.1',
  '010.0.0.1',
  '192.0.2.256',
  '192.0.2.1.',
  '1.2.3.4.5',
  '4294967296',
  '1.65536',
  '::',
  '::1',
  'fe80::1',
  'fe80::1%1',
  'fe80::1%lo',
  'fe80::1%99',
  'fe80::1%',
  '::1%lo',
  '::1%1',
  '2001:db8::1%lo',
  'ff02::1%lo',
  '1::2::3',
  '12345::',
  '::ffff:1.2.3.4',
  '%',
  '%lo',
  'ho%st',
  'a/b',
  'a_b',
  'a b',
  'a..b',
  'a]b',
  '[',
  'é',
  '-s',
  'localhost',
  'LOCALHOST',
  'nowhere',
  'dolores.example.net',
  'dolores.example.net.',
  'dolores.example.net%1',
];
const PREFIXES = [
  '10.0.0.1/8',
  '10.0.0.0/8,',
  '10.0.0.0/8,,10.1.0.0/16',
  ',10.0.0.0/8',
  ' ',
  ',',
  '/',
  '/8',
  '0/0',
  '10/8',
  '::/0',
  '::/',
  '10.0.0.0 / 8',
  '10. 0.0.0/8',
  '10.0.0.0/8 10.1.0.0/16',
  '10.0.0.0//8',
  '10.0.0.0/8/',
  '10.0.0.1/008',
  '10.0.0.0/000000008',
  '::ffff:10.0.0.1/100',
  '::1.2.3.4/3',
  'fe80::1%lo',
  'fe80::1%1/64',
  'fd00::G/64',
  'FD00::ABCD/16',
  '1:2:3:4:5:6:7:8',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7::',
  '::1:2:3:4:5:6:7:8',
  '1:2:3:4:5:6:1.2.3.4',
  '00010::/16',
  '::/129',
  '256.0.0.0',
  'fd00::/64,10.0.0.1/33',
  '10.0.0.3/31',
  '10.0.0.3/30',
  'host/8',
  '(none)',
  '64:ff9b::1.2.3.4/96',
  '::1.2.3',
  '::01.2.3.4',
  '+',
  '-',
];
/** Of keys, in files and on the command line. */
const KEYS = [
  KEY,
  KEY.slice(1),
  ` ${KEY}`,
  `${KEY} `,
  `${KEY}=`,
  `${KEY.slice(0, 42)}==`,
  KEY.replace('g=', 'h='),
  'A'.repeat(44),
  '',
  `${'A'.repeat(43)}=`,
  KEY.replace('x', '-'),
  `${KEY}\n\n \t\v\f\r`,
  `${KEY.slice(0, 20)} ${KEY.slice(20)}`,
  `${KEY}x`,
  `${KEY}#`,
  `${KEY}\0`,
  `${KEY}\n\0`,
  `${KEY}\0x`,
  `\0${KEY}`,
  `${KEY.slice(0, 20)}\0${KEY.slice(21)}`,
  `é${KEY}`,
  `${KEY.slice(0, 42)}é`,
];
const TEXTS = [
  '',
  '\0',
  '[Inter\0face]\n',
  '[Interface]\0\nListenPort=1\0 2\n',
  '[Interface]\n\0ListenPort=5\nFwMark=1\n',
  '[Interface]\n#\0\nFwMark=1',
  '\ufeff[Interface]\n',
  '[Interface]\u00a0\n',
  '[Interface]\nListenPort\u2003=5\n',
  '[Interface]\nListenPort==5\n',
  '[Interface]\n=5\n',
  '[Interface]ListenPort=5\n',
  '[[Interface]]\n',
  '[Interface\n]',
  '[I n t e r f a c e]\nL i s t e n P o r t = 5 1\n',
  ';',
  'é\n',
  '[Interface]\rListenPort=5\r',
  '[Peer]\n[Peer]\n',
  '[Interface]\nPrivateKey=#\n',
  '[Interface]\nListenPort=5\\\n6\n',
  `${PEER}AllowedIPs=#1\n`,
  `${PEER}[Interface]\nPublicKey=${KEY}`,
  `${PEER}Remove=true\n`,
  `${PEER}Endpoint=(none)\n`,
  `${PEER}AllowedIPs=1.1.1.1\n${PEER}AllowedIPs=1.1.1.1,1.1.1.1/32\n`,
];
const LONG_TEXTS = [
  `[Interface]\n${'x'.repeat(100_000)}\n`,
  `[Interface]\nListenPort=${'0'.repeat(100_000)}5\n`,
  `[Interface]\n#${'x'.repeat(1_000_000)}\nListenPort=5\n`,
  `[Interface]${' '.repeat(1_000_000)}\n`,
  `${PEER}AllowedIPs=${'1.1.1.1,'.repeat(20_000)}1.1.1.1\n`,
  `${PEER}Endpoint=${'x'.repeat(70_000)}:5\n`,
];
/** There are none, or nothing that could be read as a text. */
const PATHS = [
  '/etc',
  '/run/missing',
  '/run/missing/x',
  '/etc/hosts/x',
  '/etc/hosts/x/y',
  '',
  '/',
  '.',
  '/run/wireguard/wg0.sock',
];

function set(...args: string[]): BothCase {
  return { args: ['set', 'wg0', ...args] };
}

const withPeer = (...args: string[]): BothCase => set('peer', KEY, ...args);

/** By all three commands that read one. */
function inFile(text: string): BothCase[] {
  return ['setconf', 'addconf', 'syncconf'].map((command) => ({ args: [command, 'wg0', FILE], file: text }));
}

/** The same ones each time, as both programs and the resolver of this machine have a say. */
const DRAWN = { numRuns: 300, seed: 20210914 };

const CASES: Readonly<Record<string, readonly BothCase[]>> = {
  numbers: NUMBERS.flatMap((text) => [
    set('listen-port', text),
    set('fwmark', text),
    withPeer('persistent-keepalive', text),
    withPeer('endpoint', `192.0.2.1:${text}`),
    withPeer('endpoint', `[2001:db8::1]:${text}`),
    withPeer('allowed-ips', `10.0.0.0/${text}`),
    withPeer('allowed-ips', `fd00::/${text}`),
    ...inFile(`[Interface]\nListenPort=${text}\n`),
    ...inFile(`[Interface]\nFwMark=${text}\n`),
    ...inFile(`${PEER}PersistentKeepalive=${text}\n`),
    ...inFile(`${PEER}Endpoint=192.0.2.1:${text}\nAllowedIPs=10.0.0.0/${text}\n`),
  ]),
  endpoints: HOSTS.flatMap((host) =>
    [`${host}:5`, `[${host}]:5`, `[${host}]`, host, `[${host}:5`, ` ${host}:5`, `${host} :5`, `[${host}]::5`].flatMap(
      (text) => [withPeer('endpoint', text), ...inFile(`${PEER}Endpoint=${text}\n`)],
    ),
  ),
  'allowed IPs': PREFIXES.flatMap((text) => [
    withPeer('allowed-ips', text),
    ...inFile(`${PEER}AllowedIPs=${text}\n`),
    ...inFile(`[Peer]\nAllowedIPs=${text}\nPublicKey=${KEY}\n`),
  ]),
  keys: KEYS.flatMap((text) => [
    ...(text.includes('\0') ? [] : [set('peer', text), set('peer', text, 'remove')]),
    { ...set('private-key', FILE), file: text },
    { ...withPeer('preshared-key', FILE), file: text },
    ...inFile(`[Interface]\nPrivateKey=${text}\n`),
    ...inFile(`[Peer]\nPublicKey=${text}\n`),
    ...inFile(`${PEER}PresharedKey=${text}\n`),
  ]),
  files: [...TEXTS, ...LONG_TEXTS].flatMap(inFile),
  paths: [...PATHS, 'x'.repeat(300), 'x'.repeat(5000)].flatMap((path) => [
    set('private-key', path),
    withPeer('preshared-key', path),
    ...['setconf', 'addconf', 'syncconf'].map((command) => ({ args: [command, 'wg0', path] })),
  ]),
  'any kind': [...fc.sample(settings, DRAWN).map((args) => set(...args)), ...fc.sample(files, DRAWN).flatMap(inFile)],
};

describe('odd values', labOptions('wg'), () => {
  let beside: BesideWg;
  before(async () => {
    beside = await BesideWg.open();
    await beside.write('/etc/nsswitch.conf', 'hosts: files\nservices: files\n');
    await beside.host.addNames({ 'dolores.example.net': ['203.0.113.54'] });
  });
  after(() => beside[Symbol.asyncDispose]());

  for (const [what, cases] of Object.entries(CASES))
    it(`of ${what} are read as Debian reads them`, async () => {
      for (const [i, { theirs, ours }] of (await beside.both(cases)).entries()) {
        // What syncconf tells a tunnel is put in other words, to the same end: test/interop/wg.test.ts looks at that.
        const isSync = cases[i]!.args[0] === 'syncconf';
        const told = (text: string): unknown => (isSync ? text === '' : text);
        const what = JSON.stringify(cases[i]).slice(0, 500);
        assert.deepEqual({ ...ours, told: told(ours.told) }, { ...theirs, told: told(theirs.told) }, what);
      }
    });
});
