/** A tunnel with no more rights than a container or a hardened unit gives it, whose interface moves to another namespace. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Implementation, Ours } from '../implementation.ts';
import { resultWithin } from '../lab/process.ts';
import { INSIDE } from '../pair.ts';
import { describeOurs } from '../pairings.ts';
import { isListening, openHub } from './hub.ts';
import type { Hub } from './hub.ts';

const END_TIMEOUT_MS = 240_000;

/** What `docker run --cap-drop ALL --cap-add NET_ADMIN --device /dev/net/tun` gives. */
const NET_ADMIN_ONLY = ['setpriv', '--no-new-privs', ...only('+net_admin')];
const NET_ADMIN_AND_BROADCAST = ['setpriv', '--no-new-privs', ...only('+net_admin,+net_broadcast')];
/** Whoever may create an interface has prepared one for it. */
const NOTHING = [
  'sh',
  '-c',
  'ip tuntap add wg1 mode tun user 0 && ip link set wg1 mtu 1420 && exec setpriv "$@"',
  'sh',
  '--no-new-privs',
  ...only(),
];

describeOurs('a tunnel with CAP_NET_ADMIN only', defineTests, { programs: ['setpriv'] });

function defineTests(ours: Ours): void {
  it('follows its interface into another namespace, until that is deleted there', async () => {
    await using hub = await openHub(withCapabilities(ours, NET_ADMIN_ONLY), ours);
    assert.match(await capabilitiesOf(hub), /^0*1000$/m);
    await goesDownAndUp(hub);
    await noticesMtu(hub);
    await endsWithInterface(hub);
    assert.equal(saidOf(hub).match(/CAP_NET_BROADCAST/g)?.length, 1);
  });

  it('follows it on to a third namespace, and home', async () => {
    await using hub = await openHub(withCapabilities(ours, NET_ADMIN_ONLY), ours);
    const { initiator, host } = hub;
    const third = await hub.lab.host('third');
    await initiator.inside.moveInterface('wg1', third);
    await host.waitFor('it is noticed to be down', async () => !(await isListening(initiator)));
    await third.ip(`address add ${INSIDE.initiator[4]}/24 dev wg1`, 'link set wg1 up');
    await host.waitFor('it is noticed to be up there', () => isListening(initiator));
    await third.waitFor('traffic flows', () => third.canPing(INSIDE.responder[4]), { timeoutMs: END_TIMEOUT_MS });
    await third.moveInterface('wg1', host);
    await host.ip('link set wg1 up');
    await host.waitFor('it is noticed to be back', () => isListening(initiator));
    await host.ip('link del wg1');
    await assertEnded(hub);
  });

  it('and CAP_NET_BROADCAST hears of changes there', async () => {
    await using hub = await openHub(withCapabilities(ours, NET_ADMIN_AND_BROADCAST), ours);
    await goesDownAndUp(hub);
    await noticesMtu(hub);
    await endsWithInterface(hub);
    assert.doesNotMatch(saidOf(hub), /namespace/);
  });

  it('and none of these, but with an interface of its own, knows all but the MTU there, and says so', async () => {
    await using hub = await openHub(withCapabilities(ours, NOTHING), ours);
    assert.match(await capabilitiesOf(hub), /^0+$/m);
    await goesDownAndUp(hub);
    await endsWithInterface(hub);
    assert.equal(saidOf(hub).match(/MTU of the interface cannot be known/g)?.length, 1);
  });
}

function withCapabilities(ours: Ours, wrapper: readonly string[]): Implementation {
  return { ...ours, wrapper: [...wrapper, ...(ours.wrapper ?? [])], env: { ...ours.env, LOG_LEVEL: 'info' } };
}

function only(capabilities?: string): string[] {
  const set = ['-all', ...(capabilities === undefined ? [] : [capabilities])].join();
  return [`--bounding-set=${set}`, `--inh-caps=${set}`];
}

async function capabilitiesOf({ host, initiator }: Hub): Promise<string> {
  return host.output('awk', ['/^CapEff/ { print $2 }', `/proc/${initiator.daemon.pid}/status`]);
}

function saidOf({ initiator }: Hub): string {
  return initiator.daemon.stderr;
}

async function goesDownAndUp({ host, initiator }: Hub): Promise<void> {
  const { inside } = initiator;
  await inside.waitFor('traffic flows', () => inside.canPing(INSIDE.responder[4]));
  await inside.ip('link set wg1 down');
  await host.waitFor('the socket is closed', async () => !(await isListening(initiator)));
  await inside.ip('link set wg1 up');
  await host.waitFor('the socket is open', () => isListening(initiator));
  await inside.waitFor('traffic flows again', () => inside.canPing(INSIDE.responder[4]), { timeoutMs: END_TIMEOUT_MS });
}

/** Padding stops at the MTU, which is how it shows that the daemon knows it. */
async function noticesMtu({ initiator: left, responder: right }: Hub): Promise<void> {
  await left.inside.ip('link set wg1 mtu 9000');
  await right.inside.ip('link set wg2 mtu 9000');
  await left.inside.waitFor('1,429 bytes are padded to 1,440', async () => {
    const before = await left.peer(right);
    const isAnswered = await left.inside.canPing(INSIDE.responder[4], '-s', '1401');
    return isAnswered && (await left.peer(right)).txBytes - before.txBytes === 1440 + 32;
  });
}

async function endsWithInterface(hub: Hub): Promise<void> {
  await hub.initiator.inside.ip('link del wg1');
  await assertEnded(hub);
}

async function assertEnded({ initiator }: Hub): Promise<void> {
  const { exitCode, stderr } = await resultWithin(initiator.daemon, END_TIMEOUT_MS, 'wg1');
  assert.equal(exitCode, 0, stderr);
}
