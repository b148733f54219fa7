/** What is deleted takes everything with it, in whatever order: no process, socket, interface or namespace is left. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Host } from '../lab/host.ts';
import { resultWithin } from '../lab/process.ts';
import { describeOurs } from '../pairings.ts';
import type { Tunnel } from '../tunnel.ts';
import { isListening, openHub } from './hub.ts';
import type { Hub } from './hub.ts';

const END_TIMEOUT_MS = 240_000;

describeOurs('deleting', (ours) => {
  for (const order of [
    ['initiator', 'responder'],
    ['responder', 'initiator'],
  ] as const) {
    it(`moved interfaces, the ${order[0]}'s first, ends their daemons`, async () => {
      await using hub = await openHub(ours, ours);
      for (const role of order) {
        const { inside, interface: name } = hub[role];
        await inside.ip(`link del ${name}`);
        await assertEnded(hub, hub[role]);
      }
    });

    it(`namespaces with interfaces in them, the ${order[0]}'s first, ends their daemons`, async () => {
      await using hub = await openHub(ours, ours);
      for (const role of order) {
        await hub[role].inside[Symbol.asyncDispose]();
        await assertEnded(hub, hub[role]);
      }
    });
  }

  it('an interface that moved on from a namespace leaves that to its end, and is followed', async () => {
    await using hub = await openHub(ours, ours);
    const { initiator, host } = hub;
    // A pair of interfaces ends with the namespace of either.
    await initiator.inside.ip('link add canary type veth peer name other');
    await initiator.inside.moveInterface('other', host);
    const third = await hub.lab.host('third');
    await initiator.inside.moveInterface('wg1', third);
    await host.waitFor('it is noticed to be down', async () => !(await isListening(initiator)));
    await third.ip('link set wg1 up');
    await host.waitFor('it is noticed to be up there', () => isListening(initiator));
    await initiator.inside[Symbol.asyncDispose]();
    await host.waitFor('the namespace is gone', async () => !(await links(host)).includes('other'));
    await third.ip('link set wg1 down');
    await host.waitFor('it is noticed to be down there', async () => !(await isListening(initiator)));
    await third.moveInterface('wg1', host);
    await host.ip('link set wg1 up');
    await host.waitFor('it is noticed to be back', () => isListening(initiator));
    await host.ip('link del wg1');
    await assertEnded(hub, initiator);
  });
});

async function assertEnded({ host }: Hub, tunnel: Tunnel): Promise<void> {
  const ended = await resultWithin(tunnel.daemon, END_TIMEOUT_MS, tunnel.interface);
  assert.equal(ended.exitCode, 0, ended.stderr);
  assert.ok(!(await host.output('ls', ['/run/wireguard'])).includes(tunnel.interface));
  assert.ok(!(await links(host)).includes(tunnel.interface));
}

async function links(host: Host): Promise<string> {
  return host.output('ip', ['-brief', 'link']);
}
