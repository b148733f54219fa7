/** Our wg(8) with real tunnels of both implementations: what it configures is what Debian's configures. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { BesideWg } from '../cli/wg/beside-wg.ts';
import { OURS, wireguardGo, whyMissing } from './implementation.ts';
import { labOptions } from './lab/requirements.ts';
import { scenarioOptions } from './pairings.ts';
import { startDaemon } from './tunnel.ts';

const KEY = 'xFXzNIDQ5NJkY0Pgg5hG1fZg0RAD51nnu5MMBbhlpCg=';
const PRESHARED = 'L+V9o0fNYkMVKNqsX7spBzD/9oSvxM/C7ZCZX1jLO3Q=';
const PEERS = ['uNAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=', 'uNEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=', KEY];

const [ADA, BOB, CYD] = PEERS as [string, string, string];
const INTERFACE = `[Interface]\nPrivateKey = ${PRESHARED}\nFwMark = 0x10\n`;

function section(publicKey: string, ...lines: string[]): string {
  return ['[Peer]', `PublicKey = ${publicKey}`, ...lines, ''].join('\n');
}

const NO_KEY = `PresharedKey = ${'A'.repeat(43)}=`;

/** Each is what the tunnel is brought to from the one before. */
const STEPS: readonly (readonly [command: string, text: string])[] = [
  [
    'setconf',
    INTERFACE + section(ADA, 'AllowedIPs = 10.0.0.1/32', 'Endpoint = 192.0.2.1:1', 'PersistentKeepalive = 7'),
  ],
  ['addconf', section(BOB, `PresharedKey = ${PRESHARED}`, 'AllowedIPs = 10.0.0.2/32, fd00::/64')],
  ['addconf', section(BOB, 'AllowedIPs = 10.0.0.3/32')],
  ['syncconf', INTERFACE + section(BOB, NO_KEY, 'AllowedIPs = 10.0.0.3/32') + section(ADA, 'PersistentKeepalive = 9')],
  ['syncconf', INTERFACE + section(ADA, 'AllowedIPs = 10.0.0.1/24', 'PersistentKeepalive = off')],
  ['syncconf', INTERFACE + section(CYD, 'AllowedIPs = 10.0.0.0/24', 'Endpoint = [2001:db8::1]:2') + section(ADA)],
  ['syncconf', INTERFACE + section(CYD, 'AllowedIPs = 10.0.0.0/24') + section(CYD, 'AllowedIPs = 10.1.0.0/24')],
  ['syncconf', section(ADA, 'AllowedIPs = 0.0.0.0/0')],
  ['setconf', INTERFACE + section(BOB, 'Endpoint = 192.0.2.3:3')],
  ['setconf', section(BOB)],
  ['syncconf', INTERFACE],
  ['syncconf', ''],
];

const { skip } = scenarioOptions(['ncat']);
for (const implementation of [...OURS, wireguardGo])
  describe(`wg with ${implementation.name}`, { skip: skip || (whyMissing(implementation) ?? false) }, () => {
    // Our wg waits ten seconds for an answer, and on a busy machine Deno may take as long to take in all of them.
    const prefixCount = implementation.name === 'deno' ? 13_056 : 130_560;
    let beside: BesideWg;
    before(async () => {
      beside = await BesideWg.open();
      await startDaemon(beside.host, implementation, 'theirs');
      await startDaemon(beside.host, implementation, 'ours');
    });
    after(() => beside[Symbol.asyncDispose]());

    /** Without the port, which each was given by its kernel. The order of peers and prefixes is the tunnel's own. */
    async function state(name: string): Promise<string[]> {
      const dump = await beside.host.output('wg', ['show', name, 'dump']);
      const [own = '', ...peers] = dump.trimEnd().split('\n');
      const [privateKey, publicKey, , fwmark] = own.split('\t');
      const normal = peers.map((peer) =>
        peer
          .split('\t')
          .map((field) => field.split(',').sort().join())
          .join('\t'),
      );
      return [[privateKey, publicKey, fwmark].join('\t'), ...normal.sort()];
    }

    it('brings a tunnel from one configuration to the next as Debian does', async () => {
      for (const [command, text] of STEPS) {
        await beside.write('/run/wg0.conf', text);
        const theirs = await beside.theirs([command, 'theirs', '/run/wg0.conf']);
        const ours = await beside.ours([command, 'ours', '/run/wg0.conf']);
        assert.deepEqual(ours, theirs);
        assert.equal(ours.exitCode, 0, ours.stderr);
        assert.deepEqual(await state('ours'), await state('theirs'), `${command} ${text}`);
      }
    });

    it('changes a tunnel as Debian does, and reports what it refuses', async () => {
      await beside.write('/run/key', KEY);
      for (const args of [
        [
          'private-key',
          '/run/key',
          'peer',
          ADA,
          'allowed-ips',
          '10.0.0.0/8,fd00::/8',
          'endpoint',
          '192.0.2.1:1',
          'persistent-keepalive',
          '5',
        ],
        ['peer', BOB, 'allowed-ips', '10.0.0.0/8'],
        ['peer', ADA, 'remove', 'peer', BOB, 'persistent-keepalive', '9'],
        ['private-key', '/dev/null', 'fwmark', 'off'],
      ]) {
        for (const [run, name] of [
          [beside.theirs.bind(beside), 'theirs'],
          [beside.ours.bind(beside), 'ours'],
        ] as const)
          assert.deepEqual(await run(['set', name, ...args]), { stdout: '', stderr: '', exitCode: 0 });
        assert.deepEqual(await state('ours'), await state('theirs'), args.join(' '));
      }
      const holder = await beside.host.spawn('ncat', ['-lu', '-p', '5555']);
      await beside.host.ip('link set ours up');
      await beside.host.waitFor('the port is taken', async () =>
        (await beside.host.output('ss', ['-Hlnu'])).includes(':5555'),
      );
      const { exitCode, stderr } = await beside.same(['set', 'ours', 'listen-port', '5555']);
      assert.deepEqual([exitCode, stderr], [1, 'Unable to modify interface: Address already in use\n']);
      await holder.stop('SIGKILL');
    });

    it('switches off what a file does not say any more, unlike Debian', async () => {
      const both = section(ADA, `PresharedKey = ${PRESHARED}`, 'PersistentKeepalive = 7');
      await beside.write('/run/both.conf', both);
      await beside.write('/run/none.conf', section(ADA));
      await beside.ours(['setconf', 'ours', '/run/both.conf']);
      assert.match(
        (await state('ours')).join('\n'),
        new RegExp(`${ADA}\\t${PRESHARED.replaceAll('+', '\\+')}\\t.*\\t7$`),
      );
      await beside.ours(['syncconf', 'ours', '/run/none.conf']);
      assert.match((await state('ours')).join('\n'), new RegExp(`${ADA}\\t\\(none\\)\\t.*\\toff$`));
    });

    it(`takes ${prefixCount} prefixes to a tunnel and back`, async () => {
      const prefixes = Array.from({ length: prefixCount }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32`);
      // One line of all, and a line for each.
      const files = [
        `AllowedIPs = ${prefixes.join(', ')}`,
        prefixes.map((prefix) => `AllowedIPs = ${prefix}`).join('\n'),
      ];
      for (const [i, lines] of files.entries()) {
        await beside.write('/run/wg0.conf', section(ADA, lines));
        const command = i === 0 ? 'setconf' : 'syncconf';
        const result = await beside.ours([command, 'ours', '/run/wg0.conf']);
        assert.deepEqual(result, { stdout: '', stderr: '', exitCode: 0 });
        const shown = (await beside.ours(['show', 'ours', 'allowed-ips'])).stdout.trimEnd().split(/[\t ]/).slice(1);
        assert.deepEqual(shown.sort(), [...prefixes].sort());
      }
    });

    it('shows and writes down a tunnel as Debian does', async () => {
      await beside.write('/run/wg0.conf', STEPS[0]![1]);
      await beside.ours(['setconf', 'ours', '/run/wg0.conf']);
      for (const args of [
        ['show', 'ours'],
        ['show', 'ours', 'dump'],
        ['showconf', 'ours'],
      ])
        await beside.same(args);
    });
  });

describe("our wg under Debian's wg-quick", labOptions('wg', 'wg-quick'), () => {
  it('brings an interface up, saves its changes, and shows what it is until it goes down', async () => {
    await using beside = await BesideWg.open();
    const { host } = beside;
    // wg-quick puts its own folder before the PATH.
    await host.output('cp', ['/usr/bin/wg-quick', '/run/ours/wg-quick']);
    const env = { WG_QUICK_USERSPACE_IMPLEMENTATION: 'peerage-tun' };
    const wgQuick = async (command: string) => host.run('/run/ours/wg-quick', [command, 'wg0'], { env });
    const peer = section(ADA, 'AllowedIPs = 10.9.0.2/32, fd00:9::/64', 'Endpoint = 192.0.2.1:51820');
    await beside.write('/etc/wireguard/wg0.conf', `${INTERFACE}ListenPort = 51820\nAddress = 10.9.0.1/24\n${peer}`);
    await host.output('chmod', ['600', '/etc/wireguard/wg0.conf']);
    const up = await wgQuick('up');
    assert.equal(up.exitCode, 0, up.stderr);
    assert.match(await host.output('ip', ['-6', 'route', 'show', 'dev', 'wg0']), /^fd00:9::\/64/m);
    await beside.ours(['set', 'wg0', 'peer', BOB, 'allowed-ips', '10.9.0.3/32', 'persistent-keepalive', '25']);
    await beside.same(['showconf', 'wg0']);
    const saved = await wgQuick('save');
    assert.equal(saved.exitCode, 0, saved.stderr);
    const text = await host.output('cat', ['/etc/wireguard/wg0.conf']);
    assert.match(text, new RegExp(`PublicKey = ${BOB}\\nAllowedIPs = 10\\.9\\.0\\.3/32\\nPersistentKeepalive = 25\\n`));
    const down = await wgQuick('down');
    assert.equal(down.exitCode, 0, down.stderr);
    assert.equal((await beside.same(['show', 'wg0'])).exitCode, 1);
  });
});
