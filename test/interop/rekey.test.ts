/** New keys in time. The constants of the protocol cannot be changed from outside: it takes as long as it takes, for all pairings at once. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { OURS, THEIRS, whyMissing } from './implementation.ts';
import type { Implementation } from './implementation.ts';
import { Lab, type Switch } from './lab/lab.ts';
import { PORT, addHost, formatEndpoint } from './pair.ts';
import { EVERY_PAIRING, scenarioOptions } from './pairings.ts';
import { Tunnel } from './tunnel.ts';
import type { PeerSettings } from './tunnel.ts';

const REKEY_AFTER_TIME_S = 120;
const REJECT_AFTER_TIME_S = 180;
const PING_INTERVAL_S = '0.5';
/** Answers that are waited for after the new keys are more. */
const IN_FLIGHT = 3;

const ALL = [...OURS, ...THEIRS].filter((implementation) => whyMissing(implementation) === undefined);

/** Numbers of hosts, of which each has one implementation. */
const FIRST = { initiator: 1, responder: 101 } as const;
type Role = keyof typeof FIRST;

describe('rekey', { ...scenarioOptions(), concurrency: EVERY_PAIRING.length }, () => {
  let lab: Lab;
  const tunnels: Record<Role, Map<Implementation, Tunnel>> = { initiator: new Map(), responder: new Map() };

  // Every implementation once as the initiator and once as the responder of all that are its pairings.
  before(async () => {
    lab = await Lab.open();
    const network = await lab.switch();
    for (const implementation of ALL)
      for (const role of ['initiator', 'responder'] as const)
        tunnels[role].set(implementation, await openTunnel(lab, network, role, implementation));
    for (const [role, other] of [
      ['initiator', 'responder'],
      ['responder', 'initiator'],
    ] as const)
      for (const [implementation, tunnel] of tunnels[role]) {
        const peers = [...tunnels[other]].filter(([peer]) =>
          EVERY_PAIRING.some(([one, two]) =>
            role === 'initiator' ? one === implementation && two === peer : one === peer && two === implementation,
          ),
        );
        await tunnel.setPeers(peers.map(([peer, { publicKey }]) => [publicKey, settings(other, peer)]));
      }
  });
  after(() => lab[Symbol.asyncDispose]());

  for (const [initiator, responder] of EVERY_PAIRING)
    describe(
      `${initiator.name} -> ${responder.name}`,
      {
        skip: whyMissing(initiator) ?? whyMissing(responder) ?? false,
      },
      () => {
        it('the initiator makes new keys after 120 seconds, and the flow loses nothing that the kernel did not drop', async () => {
          const [left, right] = [tunnels.initiator.get(initiator)!, tunnels.responder.get(responder)!];
          const { host } = left;
          const droppedBefore = droppedByKernel();
          const [teller, other] = initiator.countsDifferently ? [right, left] : [left, right];
          const flow = await host.spawn('ping', ['-n', '-i', PING_INTERVAL_S, insideAddress('responder', responder)]);
          const first = await host.waitFor('they have met', async () => {
            const { latestHandshake } = await teller.peer(other);
            return latestHandshake > 0 && latestHandshake;
          });
          const second = await host.waitFor(
            'there are new keys',
            async () => {
              const { latestHandshake } = await teller.peer(other);
              return latestHandshake !== first && latestHandshake;
            },
            { timeoutMs: 2 * REJECT_AFTER_TIME_S * 1000, pollMs: 1000 },
          );
          const age = second - first;
          // As soon as there is something to send after 120 seconds; on a slow machine later, but before the old keys end.
          assert.ok(age >= REKEY_AFTER_TIME_S - 1 && age < REJECT_AFTER_TIME_S, `rekeyed after ${age} seconds`);
          const seen = flow.stdout.length;
          await host.waitFor('the flow goes on', () => (flow.stdout.slice(seen).match(/bytes from/g)?.length ?? 0) > 5);
          const { stdout } = await flow.stop('SIGINT');
          // The answers to the last ones may have been on their way when the flow was stopped. Some come before others, from boringtun.
          const answered = new Set(Array.from(stdout.matchAll(/icmp_seq=(\d+)/g), ([, number]) => Number(number)));
          const sent = Array.from({ length: Math.max(...answered) - IN_FLIGHT }, (_, i) => i + 1);
          const lost = sent.filter((number) => !answered.has(number));
          const dropped = droppedByKernel() - droppedBefore;
          assert.ok(lost.length <= dropped, `lost: ${lost.join()}; the kernel dropped ${dropped}`);
        });
      },
    );
});

/**
 * Packets that found the queue of a processor full, since the machine was started: one queue for the veths of all namespaces, and a
 * machine without a processor to spare does fill it. The second column of each line, in hexadecimal (net/core/net-procfs.c).
 */
function droppedByKernel(): number {
  const lines = readFileSync('/proc/net/softnet_stat', 'utf8').trim().split('\n');
  return lines.reduce((sum, line) => sum + Number.parseInt(line.split(' ')[1]!, 16), 0);
}

function numberOf(role: Role, implementation: Implementation): number {
  return FIRST[role] + ALL.indexOf(implementation);
}

function insideAddress(role: Role, implementation: Implementation): string {
  return `10.9.0.${numberOf(role, implementation)}`;
}

async function openTunnel(lab: Lab, network: Switch, role: Role, implementation: Implementation): Promise<Tunnel> {
  const number = numberOf(role, implementation);
  const host = await addHost(lab, network, `${role}-${number}`, { 4: `192.0.2.${number}`, 6: `2001:db8::${number}` });
  const addresses = [`${insideAddress(role, implementation)}/24`];
  return Tunnel.open(host, implementation, { addresses, listenPort: PORT });
}

/** Only initiators know an endpoint. */
function settings(role: Role, implementation: Implementation): PeerSettings {
  const allowedIps = [`${insideAddress(role, implementation)}/32`];
  if (role === 'initiator') return { allowedIps };
  return { allowedIps, endpoint: formatEndpoint(`192.0.2.${numberOf(role, implementation)}`) };
}
