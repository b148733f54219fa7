/** Tunnels inside tunnels: what one sends to its endpoint is routed into another, or into itself. */
import assert from 'node:assert/strict';
import { REKEY_TIMEOUT_MS } from '../../../src/noise/constants.ts';
import { INITIATION_BYTES } from '../../../src/noise/messages.ts';
import { OURS_FIRST, describePairings } from '../pairings.ts';
import type { Implementation } from '../implementation.ts';
import { FAMILIES, INSIDE, formatEndpoint, openPair } from '../pair.ts';
import type { Pair } from '../pair.ts';
import { Tunnel } from '../tunnel.ts';

/** Every layer needs room for the header of the one around it, and IPv6 needs 1,280 in the innermost. */
const LAYER_BYTES = 80;
const OUTERMOST_MTU = 1280 + 2 * LAYER_BYTES;

describePairings(
  'a tunnel inside a tunnel',
  (initiator, responder, it) => {
    it('carries traffic, also in two layers', async () => {
      await using pair = await openPair(initiator, responder, { mtu: OUTERMOST_MTU, outsideMtu: OUTERMOST_MTU + 80 });
      for (const layer of [1, 2]) {
        const { left, right } = await openLayer(pair, layer, initiator, responder);
        for (const family of FAMILIES) await left.host.ping(insideOf(layer, 'responder')[family]);
        await right.host.ping(insideOf(layer, 'initiator')[4], '-s', '1000');
        assert.equal(
          (await right.peer(left)).endpoint,
          formatEndpoint(insideOf(layer - 1, 'initiator')[4], port(layer)),
        );
      }
    });

    it('may be a peer of the same interface', async () => {
      await using pair = await openPair(initiator, responder);
      const { initiator: left, responder: right } = pair;
      const inner = await Tunnel.open(right.host, responder, {
        interface: 'wg1',
        addresses: ['10.9.1.2/24'],
        listenPort: port(1),
        mtu: 1420 - LAYER_BYTES,
      });
      await inner.setPeer(left, { allowedIps: ['10.9.1.1/32'] });
      await left.setPeer(inner, {
        allowedIps: ['10.9.1.2/32'],
        endpoint: formatEndpoint(INSIDE.responder[4], port(1)),
      });
      await left.host.ip('address add 10.9.1.1/24 dev wg0');
      await left.host.ping('10.9.1.2');
      assert.equal((await inner.peer(left)).endpoint, formatEndpoint(INSIDE.initiator[4]));
    });

    it('that would have to go through itself gets nowhere, and harms nobody', async () => {
      await using pair = await openPair(initiator, responder);
      const { initiator: left, responder: right } = pair;
      const looped = (await left.host.output('wg', ['genkey'])).trim(); // any 32 bytes will do
      const settings = ['allowed-ips', '10.9.1.0/24', 'endpoint', '10.9.1.2:5'];
      await left.host.output('wg', ['set', 'wg0', 'peer', looped, ...settings]);
      const start = performance.now();
      await left.host.ip('address add 10.9.1.1/24 dev wg0');
      assert.match(
        (await left.host.run('ping', ['-q', '-f', '-c', '100', '-w', '1', '10.9.1.2'])).stdout,
        / 0 received/,
      );
      await left.host.ping(INSIDE.responder[4]);
      const { txBytes } = await left.peer({ publicKey: looped });
      const attempts = 2 + (performance.now() - start) / REKEY_TIMEOUT_MS;
      assert.ok(txBytes > 0 && txBytes < attempts * INITIATION_BYTES, `${txBytes} bytes are more than initiations`);
      assert.ok((await left.peer(right)).latestHandshake > 0);
    });
  },
  { pairings: OURS_FIRST },
);

type Role = keyof typeof INSIDE;

/** Addresses in a layer; 0 is the outermost tunnel. */
function insideOf(layer: number, role: Role): { 4: string; 6: string } {
  if (layer === 0) return INSIDE[role];
  const host = role === 'initiator' ? 1 : 2;
  return { 4: `10.9.${layer}.${host}`, 6: `fd09:${layer}::${host}` };
}

function port(layer: number): number {
  return 60_000 + layer;
}

/** One more tunnel between the hosts, which finds its peer by the addresses of the layer around it. */
async function openLayer(
  { initiator, responder }: Pair,
  layer: number,
  left: Implementation,
  right: Implementation,
): Promise<{ left: Tunnel; right: Tunnel }> {
  const open = (around: Tunnel, role: Role, implementation: Implementation): Promise<Tunnel> =>
    Tunnel.open(around.host, implementation, {
      interface: `wg${layer}`,
      addresses: [`${insideOf(layer, role)[4]}/24`, `${insideOf(layer, role)[6]}/64`],
      listenPort: port(layer),
      mtu: OUTERMOST_MTU - layer * LAYER_BYTES,
    });
  const tunnels = { left: await open(initiator, 'initiator', left), right: await open(responder, 'responder', right) };
  const allowedIps = (role: Role): string[] => [`${insideOf(layer, role)[4]}/32`, `${insideOf(layer, role)[6]}/128`];
  await tunnels.right.setPeer(tunnels.left, { allowedIps: allowedIps('initiator') });
  const endpoint = formatEndpoint(insideOf(layer - 1, 'responder')[4], port(layer));
  await tunnels.left.setPeer(tunnels.right, { allowedIps: allowedIps('responder'), endpoint });
  return tunnels;
}
