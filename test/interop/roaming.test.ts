import assert from 'node:assert/strict';
import { newestWireguardGo, wireguardGo } from './implementation.ts';
import type { Implementation } from './implementation.ts';
import { describePairings } from './pairings.ts';
import { INSIDE, OUTSIDE, formatEndpoint, openPair } from './pair.ts';
import type { Pair } from './pair.ts';
import type { Tunnel } from './tunnel.ts';

describePairings('roaming', (initiator, responder, it) => {
  it('the initiator is followed to its new address in the middle of a flow', async () => {
    await using pair = await openRoamingPair(initiator, responder);
    await assertFollowed(pair, 'initiator');
  });

  it('the responder is followed to its new address once it sends', async () => {
    await using pair = await openRoamingPair(initiator, responder);
    await assertFollowed(pair, 'responder');
  });

  it('a peer is followed from IPv4 to IPv6', async () => {
    await using pair = await openPair(initiator, responder);
    await pair.initiator.host.ping(INSIDE.responder[4]);
    await pair.initiator.setPeer(pair.responder, {
      allowedIps: [`${INSIDE.responder[4]}/32`],
      endpoint: formatEndpoint('2001:db8::2'),
    });
    await pair.initiator.host.ping(INSIDE.responder[4]);
    assert.equal((await pair.responder.peer(pair.initiator)).endpoint, formatEndpoint('2001:db8::1'));
  });
});

async function openRoamingPair(initiator: Implementation, responder: Implementation): Promise<Pair> {
  const args = ({ roamingArgs = [] }: Implementation) => ({ args: roamingArgs });
  return openPair(initiator, responder, { tunnels: { initiator: args(initiator), responder: args(responder) } });
}

const NEW_ADDRESS = '192.0.2.99';

type Role = 'initiator' | 'responder';

/** A flow from the mover must go on after the move, the other must see the new endpoint, and reach it by itself. */
async function assertFollowed(pair: Pair, mover: Role): Promise<void> {
  const [moving, staying]: [Tunnel, Tunnel] =
    mover === 'initiator' ? [pair.initiator, pair.responder] : [pair.responder, pair.initiator];
  const [own, others] =
    mover === 'initiator' ? [INSIDE.initiator, INSIDE.responder] : [INSIDE.responder, INSIDE.initiator];
  await pair.initiator.host.ping(INSIDE.responder[4]);
  const flow = await moving.host.spawn('ping', ['-n', '-i', '0.1', others[4]]);
  await moving.host.waitFor('the flow is there', () => answers(flow.stdout) > 3);
  // wireguard-go keeps to a lost source address where the kernel answers ENETUNREACH instead of EINVAL, but not when
  // the route leaves by another interface.
  const keepsAddress = moving.implementation === wireguardGo || moving.implementation === newestWireguardGo;
  await (keepsAddress ? changeInterface : changeAddress)(pair, mover);
  await staying.host.waitFor('it has the new endpoint', async () => {
    return (await staying.peer(moving)).endpoint === formatEndpoint(NEW_ADDRESS);
  });
  const before = answers(flow.stdout);
  await moving.host.waitFor('the flow goes on', () => answers(flow.stdout) > before + 3);
  await flow.stop('SIGINT');
  await staying.host.ping(own[4]);
}

/** As from the air to a cable. */
async function changeInterface({ lab, network, ...pair }: Pair, mover: Role): Promise<void> {
  const { host } = pair[mover];
  await lab.connect(host, network, { interface: 'eth1', addresses: [] });
  await host.ip('link set eth0 down', `address add ${NEW_ADDRESS}/24 dev eth1`);
}

async function changeAddress(pair: Pair, mover: Role): Promise<void> {
  await pair[mover].host.ip(`address del ${OUTSIDE[mover][4]}/24 dev eth0`, `address add ${NEW_ADDRESS}/24 dev eth0`);
}

function answers(output: string): number {
  return output.match(/bytes from/g)?.length ?? 0;
}
