import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { exitState, holdExit } from '../../src/agent/held-exit.ts';
import { parseCidr } from '../../src/ip.ts';
import { DEAD_END_KEY } from '../../src/config/dead-end.ts';
import { peer } from './fake-registry.ts';

const plain = peer(2);
const berlin = peer(1, { name: 'berlin', allowedIps: ['10.0.0.1/32', '0.0.0.0/0', '::/0'] });
const withdrawn = peer(1, { name: 'berlin' });

const routesOf = (peers: readonly { publicKey: string; allowedIps: readonly string[] }[]) =>
  peers.filter(({ publicKey }) => publicKey === DEAD_END_KEY).map(({ allowedIps }) => allowedIps);

describe('the default routes of a chosen exit', () => {
  it('stay closed when it was removed, and when it offers them no more', () => {
    for (const listed of [[plain], [withdrawn, plain]]) {
      const held = holdExit(listed, [berlin, plain], [], 'berlin');
      assert.deepEqual(routesOf(held), [['0.0.0.0/0', '::/0']]);
      assert.equal(exitState(held, 'berlin'), 'gone');
      assert.deepEqual(routesOf(holdExit(listed, held, [], 'berlin')), [['0.0.0.0/0', '::/0']], 'and a list later');
    }
  });

  it('stay closed in one family when it is only that which it offers no more', () => {
    const half = { ...berlin, allowedIps: ['10.0.0.1/32', '0.0.0.0/0'] };
    assert.deepEqual(routesOf(holdExit([half], [berlin], [], 'berlin')), [['::/0']]);
    assert.deepEqual(routesOf(holdExit([], [half], [], 'berlin')), [['0.0.0.0/0']]);
  });

  it('open when it is back, or another one is there, or none is chosen', () => {
    const held = holdExit([plain], [berlin, plain], [], 'berlin');
    assert.deepEqual(holdExit([berlin, plain], held, [], 'berlin'), [berlin, plain]);
    const paris = { ...berlin, name: 'paris' };
    assert.deepEqual(holdExit([paris], held, [], 'paris'), [paris]);
    assert.equal(exitState([paris], 'paris'), 'in use');
    assert.deepEqual(holdExit([plain], held, [], undefined), [plain]);
    assert.deepEqual(holdExit(held, held, [], undefined), [plain], 'not even when a list holds it');
  });

  it('are nothing to hold before they were there, so that a refused choice cuts nobody off', () => {
    assert.deepEqual(holdExit([plain], [plain], [], 'berlin'), [plain]);
    assert.equal(exitState([plain], 'berlin'), 'not offered');
  });

  it('are left to a peer of the host’s own that has one', () => {
    const own = [{ publicKey: plain.publicKey, allowedIps: [parseCidr('0.0.0.0/0')!] }];
    assert.deepEqual(routesOf(holdExit([], [berlin], own, 'berlin')), [['::/0']]);
  });

  it('go to a public key that is the hash of a sentence', () => {
    const hash = createHash('sha256').update('peerage: an exit that is gone').digest();
    hash[31]! &= 0x7f;
    assert.equal(DEAD_END_KEY, hash.toString('base64'));
  });
});
