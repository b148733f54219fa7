/** The UAPI of our daemon and of wireguard-go: every key of the specification, with the same answers and, as Debian's wg(8) shows it, the same outcome. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { wireguardGo } from './implementation.ts';
import type { Host } from './lab/host.ts';
import { Lab } from './lab/lab.ts';
import { describeOurs } from './pairings.ts';
import { startDaemon } from './tunnel.ts';

const ASK_UAPI = fileURLToPath(new URL('programs/ask-uapi.ts', import.meta.url));

const PRIVATE_KEY = 'e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a';
const ADA = 'b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33';
const BOB = '58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376';
const PRESHARED = '188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52';

/** Each goes on from the state that the ones before it made. */
const SETS: readonly (readonly [what: string, request: string])[] = [
  ['a private key, port and mark', `private_key=${PRIVATE_KEY}\nlisten_port=12912\nfwmark=51820`],
  [
    'a peer with all it can have',
    `public_key=${ADA}\npreshared_key=${PRESHARED}\nendpoint=192.0.2.1:1\npersistent_keepalive_interval=25\n` +
      'replace_allowed_ips=true\nallowed_ip=10.0.0.0/24\nallowed_ip=fd00::/64\nprotocol_version=1',
  ],
  ['an IPv6 endpoint', `public_key=${ADA}\nendpoint=[2001:db8::1]:2`],
  ['a prefix more', `public_key=${ADA}\nallowed_ip=10.1.0.0/24`],
  ['a prefix with bits of a host', `public_key=${ADA}\nallowed_ip=10.2.3.4/16`],
  ['another peer, that takes a prefix over', `public_key=${BOB}\nallowed_ip=10.0.0.0/24`],
  ['a prefix that is replaced', `public_key=${ADA}\nreplace_allowed_ips=true\nallowed_ip=10.3.0.0/24`],
  ['a peer that is not there, only to be updated', `public_key=${PRESHARED}\nupdate_only=true\nallowed_ip=10.4.0.0/24`],
  ['a peer that is there, only to be updated', `public_key=${BOB}\nupdate_only=true\npersistent_keepalive_interval=7`],
  ['a keepalive switched off', `public_key=${BOB}\npersistent_keepalive_interval=0`],
  ['a preshared key taken away', `public_key=${ADA}\npreshared_key=${'0'.repeat(64)}`],
  ['a peer to be removed that is not there', `public_key=${PRESHARED}\nremove=true`],
  ['a peer removed', `public_key=${BOB}\nremove=true`],
  ['a peer removed and made again', `public_key=${ADA}\nremove=true\npublic_key=${ADA}\nallowed_ip=10.5.0.0/24`],
  ['all peers replaced', `replace_peers=true\npublic_key=${BOB}\nallowed_ip=10.6.0.0/24`],
  ['the mark taken away', 'fwmark=0'],
  ['the private key taken away', `private_key=${'0'.repeat(64)}`],
  ['nothing', ''],
  ['no peers at all', 'replace_peers=true'],
];

const MISTAKES = [
  'private_key=00',
  `private_key=${PRIVATE_KEY}0`,
  'listen_port=65536',
  'listen_port=-1',
  'listen_port=http',
  'fwmark=4294967296',
  'replace_peers=false',
  'colour=red',
  'allowed_ip=10.0.0.0/8',
  'public_key=zz',
  `public_key=${ADA}\nendpoint=nowhere:1`,
  `public_key=${ADA}\nendpoint=192.0.2.1`,
  `public_key=${ADA}\nendpoint=192.0.2.1:65536`,
  `public_key=${ADA}\npreshared_key=00`,
  `public_key=${ADA}\npersistent_keepalive_interval=65536`,
  `public_key=${ADA}\nallowed_ip=10.0.0.0/33`,
  `public_key=${ADA}\nallowed_ip=10.0.0.0`,
  `public_key=${ADA}\nprotocol_version=2`,
  `public_key=${ADA}\nremove=1`,
  `public_key=${ADA}\nupdate_only=yes`,
  `public_key=${ADA}\nreplace_allowed_ips=1`,
  `public_key=${ADA}\ncolour=red`,
  'a line without its sign',
];

describeOurs('the UAPI', (implementation) => {
  let lab: Lab;
  let host: Host;
  before(async () => {
    lab = await Lab.open();
    host = await lab.host('host');
    await startDaemon(host, wireguardGo, 'theirs');
    await startDaemon(host, implementation, 'ours');
  });
  after(() => lab[Symbol.asyncDispose]());

  async function ask(name: string, requests: readonly string[]): Promise<string[]> {
    const whole = requests.map((lines) => `set=1\n${lines === '' ? '' : `${lines}\n`}\n`);
    return JSON.parse(await host.output('node', [ASK_UAPI, name], { input: JSON.stringify(whole) })) as string[]; // as it prints them
  }

  /** In an order that does not depend on the daemon. */
  async function show(name: string): Promise<string[]> {
    const [own = '', ...peers] = (await host.output('wg', ['show', name, 'dump'])).trimEnd().split('\n');
    return [own, ...peers.map((peer) => peer.replace(/\S+,\S+/, (list) => list.split(',').sort().join())).sort()];
  }

  it('takes every key, and wg shows what came of it', async () => {
    for (const [what, request] of SETS) {
      assert.deepEqual(
        [await ask('ours', [request]), await ask('theirs', [request])],
        [['errno=0\n\n'], ['errno=0\n\n']],
        what,
      );
      assert.deepEqual(await show('ours'), await show('theirs'), what);
    }
  });

  it('takes a prefix back that is marked with a minus', async () => {
    const prefixes = 'allowed_ip=10.0.0.0/24\nallowed_ip=10.1.0.0/24\nallowed_ip=fd00::/64';
    const answers = await ask('ours', [
      `replace_peers=true\npublic_key=${ADA}\n${prefixes}`,
      `public_key=${ADA}\nallowed_ip=-10.0.0.0/24`,
      `public_key=${ADA}\nallowed_ip=-10.9.0.0/24`, // which it does not have
      `public_key=${BOB}\nallowed_ip=-10.1.0.0/24`, // which is another's
    ]);
    assert.deepEqual(
      answers,
      Array.from({ length: 4 }, () => 'errno=0\n\n'),
    );
    const shown = (await host.output('wg', ['show', 'ours', 'allowed-ips'])).trimEnd().split('\n').sort();
    assert.deepEqual(
      shown.map((line) => line.split('\t')[1]),
      ['(none)', '10.1.0.0/24 fd00::/64'],
    );
    await ask('ours', ['replace_peers=true']);
  });

  it('leaves out its own key among the peers', async () => {
    const privateKey = await host.output('wg', ['genkey']);
    const publicKey = (await host.output('wg', ['pubkey'], { input: privateKey })).trim();
    await host.output('tee', ['/run/key'], { input: privateKey });
    for (const name of ['ours', 'theirs'])
      await host.output('wg', ['set', name, 'private-key', '/run/key', 'peer', publicKey, 'allowed-ips', '10.0.0.0/8']);
    assert.deepEqual(await host.output('wg', ['show', 'ours', 'peers']), '');
    assert.deepEqual(await show('ours'), await show('theirs'));
  });

  it('answers a mistake with an errno, and changes nothing', async () => {
    const before = await show('ours');
    const [ours, theirs] = [await ask('ours', MISTAKES), await ask('theirs', MISTAKES)];
    for (const [i, mistake] of MISTAKES.entries()) assert.equal(ours[i], theirs[i], mistake);
    assert.ok(ours.every((answer) => /^errno=-[1-9]\d*\n\n$/.test(answer)));
    assert.deepEqual(await show('ours'), before);
  });

  it('is for the owner of the socket only', async () => {
    const mode = await host.output('stat', ['-c', '%a %U', '/var/run/wireguard/ours.sock']);
    assert.equal(mode, '600 root\n');
  });
});
