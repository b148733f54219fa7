/** Many prefixes and many peers: all are routed, shown, and taken away one by one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { peerage } from '../implementation.ts';
import { OURS_FIRST, describePairings } from '../pairings.ts';
import { Lab } from '../lab/lab.ts';
import { labOptions } from '../lab/requirements.ts';
import { INSIDE, openPair } from '../pair.ts';
import { Tunnel } from '../tunnel.ts';

/** All of 255 x 256, once in IPv4 and once in IPv6: 130,560. */
const MANY = Array.from({ length: 255 * 256 }, (_, i) => [
  `10.${i >>> 8}.${i & 255}.0/29`,
  `fd77:${hex((i >>> 8) + 1)}:${hex((i & 255) + 1)}::/48`,
]).flat();
const PEERS = 40;
const PREFIXES_OF_EACH = 52;

describePairings(
  'a peer with 130,560 prefixes',
  (initiator, responder, it) => {
    it('is configured, reached and shown while traffic flows', async () => {
      await using pair = await openPair(initiator, responder);
      const { initiator: left, responder: right } = pair;
      await left.host.ping(INSIDE.responder[4]);
      const flow = await left.host.spawn('ping', ['-n', '-i', '0.1', '-W', '5', INSIDE.responder[4]]);
      // ping has room for few answers that come at once, so that some may be lost while either side stands still.
      const goesOn = async (): Promise<void> => {
        const seen = flow.stdout.length;
        await left.host.waitFor('the flow goes on', () => answersIn(flow.stdout.slice(seen)) > 5);
      };
      await goesOn();
      const own = [`${INSIDE.responder[4]}/32`];
      await left.setPeer(right, { allowedIps: [...MANY, ...own] });
      const shown = await left.host.output('wg', ['show', 'wg0', 'allowed-ips']);
      await goesOn();
      assert.deepEqual(new Set(shown.trim().split(/[\t ]/).slice(1)), new Set([...MANY, ...own]));
      // The last of them lead to the peer, and the first address after them does not.
      await right.host.ip('address add 10.254.255.7/32 dev lo', 'address add 10.254.255.8/32 dev lo');
      await left.host.ip('route add 10.254.255.0/24 dev wg0');
      await left.host.ping('10.254.255.7');
      assert.equal(await left.host.canPing('10.254.255.8'), false);
      await left.setPeer(right, { allowedIps: own });
      assert.equal(await left.host.canPing('10.254.255.7'), false);
      await goesOn(); // with the last prefixes gone
      await flow.stop('SIGINT');
    });
  },
  { pairings: OURS_FIRST },
);

describe('40 peers with 52 prefixes each', labOptions('wg'), () => {
  it('are shown completely, while they are removed one by one', async () => {
    await using lab = await Lab.open();
    const tunnel = await Tunnel.open(await lab.host('a'), peerage, { addresses: [] });
    const peers = Array.from({ length: PEERS }, (_, i) => [keyOf(i), prefixesOf(i)] as const);
    await tunnel.setPeers(peers.map(([key, allowedIps]) => [key, { allowedIps }]));
    const steps = peers.map(([key]) => `peer ${key} remove`);
    const shown = await showBeforeEach(tunnel, steps);
    for (const i of peers.keys()) assert.deepEqual(shown[i], new Map(peers.slice(i)));
    assert.equal(await tunnel.host.output('wg', ['show', 'wg0', 'peers']), '');
  });

  it('lose them one by one to another peer', async () => {
    await using lab = await Lab.open();
    const tunnel = await Tunnel.open(await lab.host('a'), peerage, { addresses: [] });
    const [loser, taker] = [keyOf(0), keyOf(1)];
    const prefixes = prefixesOf(0);
    await tunnel.setPeers([[loser, { allowedIps: prefixes }]]);
    const steps = prefixes.map((_, i) => `peer ${taker} allowed-ips ${prefixes.slice(0, i + 1).join()}`);
    const shown = await showBeforeEach(tunnel, steps);
    for (const i of prefixes.keys()) {
      const taken = i === 0 ? [] : [[taker, prefixes.slice(0, i)] as const];
      assert.deepEqual(shown[i], new Map([[loser, prefixes.slice(i)], ...taken]));
    }
  });
});

function keyOf(peer: number): string {
  return Buffer.alloc(32, peer + 1).toString('base64');
}

function prefixesOf(peer: number): string[] {
  return Array.from({ length: PREFIXES_OF_EACH }, (_, i) => `10.${peer}.${i}.0/24`);
}

function answersIn(pings: string): number {
  return pings.match(/bytes from/g)?.length ?? 0;
}

function hex(number: number): string {
  return number.toString(16);
}

/** What `wg show` says of all peers' allowed IPs before each of a series of `wg set`s. */
async function showBeforeEach(tunnel: Tunnel, sets: readonly string[]): Promise<Map<string, string[]>[]> {
  const script = 'while read -r line; do wg show wg0 allowed-ips && echo && wg set wg0 $line; done';
  const output = await tunnel.host.output('sh', ['-ec', script], { input: sets.map((set) => `${set}\n`).join('') });
  return output.split('\n\n').map((lines) => new Map(lines.split('\n').map(parseAllowedIps)));
}

function parseAllowedIps(line: string): [key: string, prefixes: string[]] {
  const [key = '', prefixes = ''] = line.split('\t');
  return [key, prefixes.split(' ')];
}
