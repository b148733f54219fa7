/**
 * The namespace of birth: a tunnel's interface may live in another network namespace than its sockets. What is seen
 * and counted there is what the kernel module shows.
 */
import assert from 'node:assert/strict';
import { peerage } from '../implementation.ts';
import { OURS_FIRST, describePairings } from '../pairings.ts';
import { INSIDE } from '../pair.ts';
import { assertSent } from './counters.ts';
import { isListening, openHub } from './hub.ts';

/** 84 bytes of an echo over IPv4, padded to 96, and the 32 around them. */
const ECHO_BYTES = 128;

describePairings(
  'an interface in another namespace than its sockets',
  (initiator, responder, it) => {
    it('is the way out of a host that has no other', async () => {
      await using hub = await openHub(initiator, responder);
      const { inside } = hub.initiator;
      for (const address of Object.values(INSIDE.responder)) await inside.ping(address);
      assert.equal(await inside.output('ss', ['-Hanu']), '');
      assert.match(await hub.host.output('ss', ['-Hlnu']), /0\.0\.0\.0:10001 /);
      assert.doesNotMatch(await hub.host.output('ip', ['-brief', 'link']), /wg/);
    });

    it('has counters that are right to the byte', async () => {
      await using hub = await openHub(initiator, responder);
      const { initiator: left, responder: right } = hub;
      await left.inside.output('ping', ['-q', '-c', '10', '-f', '-W', '30', INSIDE.responder[4]]);
      await right.inside.output('ping', ['-q', '-c', '10', '-f', '-W', '30', INSIDE.initiator[4]]);
      await assertSent([left, right], { initiator: 20 * ECHO_BYTES, responder: 20 * ECHO_BYTES });
    });

    it('is noticed there to go down and up', async () => {
      await using hub = await openHub(initiator, responder);
      const { inside } = hub.initiator;
      await inside.ip('link set wg1 down');
      await hub.host.waitFor('the socket is closed', async () => !(await isListening(hub.initiator)));
      await inside.ip('link set wg1 up');
      await hub.host.waitFor('the socket is open', () => isListening(hub.initiator));
      await inside.ping(INSIDE.responder[4]);
    });
  },
  { pairings: OURS_FIRST },
);

// Padding stops at the MTU, which is how it shows that the daemon knows it.
describePairings(
  'the MTU of an interface in another namespace',
  (initiator, responder, it) => {
    it('is noticed there to change', async () => {
      await using hub = await openHub(initiator, responder);
      const { initiator: left, responder: right } = hub;
      for (const tunnel of [left, right]) await tunnel.inside.ip(`link set ${tunnel.interface} mtu 9000`);
      await left.inside.waitFor('1,429 bytes are padded to 1,440', async () => {
        const before = await left.peer(right);
        await left.inside.ping(INSIDE.responder[4], '-s', '1401');
        const after = await left.peer(right);
        return after.txBytes - before.txBytes === 1440 + 32;
      });
    });
  },
  { pairings: [[peerage, peerage]] },
);
