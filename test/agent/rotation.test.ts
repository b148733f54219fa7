/** Rotation: the steps to a new key pair, each of which may be the last before a crash. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { afterAnswer, nextStep, type Rotation } from '../../src/agent/rotation.ts';
import { answer, keyOf } from './fake-registry.ts';

const KEY = 'pgh_test';
const next = { privateKey: 'private', publicKey: keyOf(1) };
const PROBLEM = { 'content-type': 'application/problem+json' };
const problem = (reason: string) => answer(409, { type: `urn:peerage:problem:${reason}`, detail: 'No.' }, PROBLEM);

describe('a rotation', () => {
  it('makes a key, announces it, gives notice, and then uses it', () => {
    let rotation: Rotation | undefined = { noticeMs: 60_000 };
    assert.equal(nextStep(rotation, KEY, 0).type, 'make');
    rotation = { ...rotation, next };
    const announce = nextStep(rotation, KEY, 0);
    assert(announce.type === 'announce');
    assert.deepEqual(JSON.parse(announce.request.body ?? ''), { publicKey: next.publicKey });
    rotation = afterAnswer(rotation, 'announce', answer(200, {}), 5000);
    assert.deepEqual(rotation, { noticeMs: 60_000, next, announcedAt: 5000 });
    assert.deepEqual(nextStep(rotation, KEY, 64_999), { type: 'notice', until: 65_000 });
    const use = nextStep(rotation, KEY, 65_000);
    assert(use.type === 'use');
    assert.deepEqual(use.next, next);
    assert.deepEqual(JSON.parse(use.request.body ?? ''), { publicKey: next.publicKey, use: true });
    assert.equal(afterAnswer(rotation, 'use', answer(200, {}), 65_000), undefined);
  });

  it('never sends a private key', () => {
    for (const rotation of [
      { noticeMs: 0, next },
      { noticeMs: 0, next, announcedAt: 0 },
    ]) {
      const step = nextStep(rotation, KEY, 1);
      assert('request' in step);
      assert(!JSON.stringify(step.request).includes(next.privateKey));
    }
  });

  it('goes on with the same key after whatever failed', () => {
    for (const failure of [answer(502), answer(500, {}, PROBLEM), problem('busy'), answer(429, {}, PROBLEM)]) {
      const announcing = { noticeMs: 0, next };
      const after = afterAnswer(announcing, 'announce', failure, 1);
      assert.deepEqual(after?.next, next);
      assert.equal(nextStep(after, KEY, 1).type, 'announce');
      assert(after?.problem !== undefined);
      const used = afterAnswer({ ...announcing, announcedAt: 0 }, 'use', failure, 1);
      assert.equal(nextStep(used!, KEY, 1).type, 'use');
    }
  });

  it('makes another key when somebody has that one, but keeps one that the tunnel may have', () => {
    const refused = afterAnswer({ noticeMs: 7, next }, 'announce', problem('key-in-use'), 1);
    assert.deepEqual(refused, { noticeMs: 7, problem: 'No.' });
    assert.equal(nextStep(refused, KEY, 1).type, 'make');
    const late = afterAnswer({ noticeMs: 7, next, announcedAt: 0 }, 'use', problem('key-in-use'), 1);
    assert.deepEqual(late?.next, next);
  });

  it('does not wait for longer when the clock is set back', () => {
    assert.equal(nextStep({ noticeMs: 60_000, next, announcedAt: 1_000_000 }, KEY, 999_999).type, 'use');
  });
});
