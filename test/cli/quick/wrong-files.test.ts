/**
 * Files that are wrong: Debian's wg-quick goes on until one of its programs refuses, and takes back what it did; ours refuses first.
 * What both print besides those steps, and how they end, is the same, or here is why not (docs/decisions/0047).
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { labOptions } from '../../interop/lab/requirements.ts';
import { BesideWgQuick } from './beside-wg-quick.ts';

const PATH = '/etc/wireguard/wg0.conf';
const PRIVATE_KEY = 'gN42kTUpFOQsMbA8Vv1r83QE5ssPPCqG92wQjfbSDXY=';
const INTERFACE = `[Interface]\nPrivateKey = ${PRIVATE_KEY}\nListenPort = 51999\nAddress = 10.9.0.1/24\n`;
const PEER = `[Peer]\nPublicKey = Zi4U/VlFVvUiYEcDNANRJYkDtk81VTdj8ZQmqypRXFg=\nAllowedIPs = 10.9.0.2/32, 172.28.0.0/16\n`;
const NO_KEY = 'c2VjcmV0'.repeat(6);

/** Steps aside, both say the same. */
const SAME_WORDS: Readonly<Record<string, string>> = {
  'an unknown key': `${INTERFACE}Colour = red\n`,
  'an unknown key of a peer': `${INTERFACE}${PEER}Colour = red\n`,
  'a key of the other section': `${INTERFACE}${PEER}Address = 10.0.0.1/8\n`,
  'a hook of a peer': `${INTERFACE}${PEER}PostUp = true\n`,
  'a line that is none': `${INTERFACE}hello\n`,
  'an unknown section': `${INTERFACE}[Elsewhere]\nx = 1\n`,
  'a line before any section': `ListenPort = 1\n${INTERFACE}`,
  'a port': `${INTERFACE}ListenPort = http-x\n`,
  'a mark': `${INTERFACE}FwMark = high\n`,
  'a public key': `${INTERFACE}[Peer]\nPublicKey = short\n`,
  'a peer without a key': `${INTERFACE}[Peer]\nAllowedIPs = 10.9.0.2/32\n`,
  'a prefix': `${INTERFACE}${PEER}AllowedIPs = 10.0.0.0/33\n`,
  'a list of prefixes': `${INTERFACE}${PEER}AllowedIPs = 10.0.0.0/8,\n`,
  'an endpoint': `${INTERFACE}${PEER}Endpoint = 192.0.2.1\n`,
  'the name in an endpoint': `${INTERFACE}${PEER}Endpoint = a_b!:1\n`,
  'an interval': `${INTERFACE}${PEER}PersistentKeepalive = 65536\n`,
  'a value for wg behind one for ip': `${INTERFACE}MTU = big\nFwMark = high\n${PEER}Colour = red\n`,
  'a switch': `${INTERFACE}SaveConfig = maybe\nColour = red\n`,
  'a switch without a value': `${INTERFACE}SaveConfig =\n`,
};

/** wg and ip repeat a secret, or speak for themselves; the exit code is theirs. */
const OWN_WORDS: Readonly<Record<string, readonly [file: string, ours: RegExp]>> = {
  'a private key': [
    `${INTERFACE}PrivateKey = ${NO_KEY}\n`,
    /^Key is not the correct length or format\nConfiguration parsing error\n$/,
  ],
  'a preshared key': [
    `${INTERFACE}${PEER}PresharedKey = ${NO_KEY}\n`,
    /^Key is not the correct length or format\nConf/,
  ],
  'a key on a line of its own': [
    `${INTERFACE}${PRIVATE_KEY}\n`,
    /^Line unrecognized: `\(hidden\)'\nConfiguration parsing error\n$/,
  ],
  'a key under a wrong name': [
    `${INTERFACE}PrivatKey = ${PRIVATE_KEY}\n`,
    /^Line unrecognized: `PrivatKey=\(hidden\)'\n/,
  ],
  'an MTU': [`${INTERFACE}MTU = big\n`, /^wg-quick: \/etc\/wireguard\/wg0\.conf:5: MTU: expected .*, found "big"\n$/],
  'a small MTU': [`${INTERFACE}MTU = 10\n`, /:5: MTU: expected a number from 68 to 65535, found "10"\n$/],
  'a large MTU': [`${INTERFACE}MTU = 99999\n`, /:5: MTU: expected .*, found "99999"\n$/],
  'an address': [`${INTERFACE}Address = bogus\n`, /:5: Address: expected .*, found "bogus"\n$/],
  'the prefix length of an address': [
    `${INTERFACE}Address = 10.0.0.1/33\n`,
    /:5: Address: expected .*, found "10\.0\.0\.1\/33"\n$/,
  ],
  'a routing table': [`${INTERFACE}Table = a b\n${PEER}`, /:5: Table: expected .*, found "a b"\n$/],
};

/** Accepted by Debian's and refused by ours: none of them can be meant. */
const STRICTER: Readonly<Record<string, string>> = {
  'a port beyond 65535': `${INTERFACE}ListenPort = 70000\n`,
  'port 0 of an endpoint': `${INTERFACE}${PEER}Endpoint = 192.0.2.1:0\n`,
  'an address with bytes left out': `${INTERFACE}Address = 10.1/16\n`,
  'an MTU in hexadecimal': `${INTERFACE}MTU = 0x500\n`,
  'a search domain that cannot be': `${INTERFACE}DNS = !!\n`,
  'a zero byte': `${INTERFACE}\0\n`,
};

/** Refused by Debian's and accepted by ours. */
const MORE_LENIENT: Readonly<Record<string, string>> = {
  'a comment with a semicolon': `; x\n${INTERFACE}`,
  'a private key that is left out': INTERFACE.replace(PRIVATE_KEY, ''),
};

/** What both take, with the same steps. */
const ACCEPTED: Readonly<Record<string, string>> = {
  'a switch in capitals': `${INTERFACE}SaveConfig = FALSE\n`,
  'empty values': `${INTERFACE}MTU =\nTable =\nDNS =\nAddress =\n${PEER}`,
  'no key at all': '[Interface]\nAddress = 10.9.0.1/24\n',
  'nothing at all': '',
  'a peer alone': PEER,
  'line ends of another system': `${INTERFACE}${PEER}`.replaceAll('\n', '\r\n'),
};

describe('wg-quick up with a file in which something is wrong', labOptions('wg-quick', 'nft', 'resolvconf'), () => {
  let hosts: BesideWgQuick;
  let untouched: string;
  before(async () => {
    hosts = await BesideWgQuick.open({ addresses: ['192.0.2.1/24', '2001:db8::1/64'] });
    await hosts.both((host) =>
      host.output('sh', ['-c', `resolvconf -u; printf 'hosts: files\nservices: files\n' >/etc/nsswitch.conf`]),
    );
    await hosts.write(PATH, '');
    untouched = (await hosts.state()).ours;
  });
  after(() => hosts[Symbol.asyncDispose]());

  const withoutSteps = (text: string): string => text.replaceAll(/^\[#\] .*\n/gm, '');

  async function up(file: string) {
    await hosts.write(PATH, file);
    const results = await hosts.run('up', 'wg0');
    return results;
  }

  async function down(): Promise<void> {
    await hosts.write(PATH, INTERFACE);
    await hosts.both((host) => host.output('sh', ['-c', 'ip link delete dev wg0 2>/dev/null || true']));
    await hosts.state(); // waits for the daemons
  }

  async function expectUntouched(): Promise<void> {
    assert.deepEqual(await hosts.state(), { theirs: untouched, ours: untouched });
  }

  it('ends as Debian, and in the same words', async () => {
    for (const [what, file] of Object.entries(SAME_WORDS)) {
      const { theirs, ours } = await up(file);
      assert.equal(theirs.exitCode, 1, what);
      assert.deepEqual(ours, { ...theirs, stderr: withoutSteps(theirs.stderr) }, what);
      await expectUntouched();
    }
  });

  it('ends as Debian in words of its own, and without a secret', async () => {
    for (const [what, [file, words]] of Object.entries(OWN_WORDS)) {
      const { theirs, ours } = await up(file);
      assert.notEqual(theirs.exitCode, 0, what);
      assert.deepEqual([ours.exitCode, ours.stdout], [theirs.exitCode, theirs.stdout], what);
      assert.match(ours.stderr, words);
      assert.doesNotMatch(ours.stderr, /\[#\]|gN42kTUp|c2VjcmV0/);
      await expectUntouched();
    }
  });

  it('refuses what Debian makes something of that nobody meant', async () => {
    for (const [what, file] of Object.entries(STRICTER)) {
      const { theirs, ours } = await up(file);
      assert.equal(theirs.exitCode, 0, `${what}: ${theirs.stderr}`);
      assert.notEqual(ours.exitCode, 0, what);
      assert.match(ours.stderr, /^wg-quick: \/etc\/wireguard\/wg0\.conf:\d+: .*expected .*\n$/, what);
      await down();
    }
  });

  it('takes what Debian refuses for no reason', async () => {
    for (const [what, file] of Object.entries(MORE_LENIENT)) {
      const { theirs, ours } = await up(file);
      assert.deepEqual([theirs.exitCode, ours.exitCode], [1, 0], what);
      await down();
    }
  });

  it('takes what Debian takes', async () => {
    for (const [what, file] of Object.entries(ACCEPTED)) {
      const { theirs, ours } = await up(file);
      assert.deepEqual([ours, ours.exitCode], [theirs, 0], what);
      await hosts.expectSameState(what);
      await down();
    }
  });
});
