/** Renewal: a host whose time is limited asks for more of it in time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { Renewal } from '../../src/agent/renewal.ts';
import { answer } from './fake-registry.ts';

const HOUR_MS = 3_600_000;
const PROBLEM = { 'content-type': 'application/problem+json' };
const start = (expiresAt: number | null | undefined, now = 0) => new Renewal({ hostKey: 'pgh_test', expiresAt, now });
const until = (end: number | null) => answer(200, { expiresAt: end === null ? null : new Date(end).toISOString() });

/** When it asks first, looking every three seconds as the agent does. */
function firstRequest(renewal: Renewal, from: number, to: number): number | undefined {
  for (let now = from; now <= to; now += 3000) if (renewal.poll(now) !== undefined) return now;
  return undefined;
}

describe('the renewal of a host', () => {
  it('is asked for with the host key when half of the time is over, and each time anew', () => {
    const renewal = start(2 * HOUR_MS);
    assert.equal(renewal.poll(HOUR_MS - 1), undefined);
    const request = renewal.poll(HOUR_MS);
    assert.deepEqual([request?.method, request?.path], ['POST', '/v1/renew']);
    assert.equal(request?.headers['authorization'], 'Bearer pgh_test');
    assert.equal(renewal.poll(HOUR_MS), undefined, 'while one is under way');
    const event = renewal.handleAnswer(until(3 * HOUR_MS), HOUR_MS);
    assert.deepEqual(event, { type: 'known', expiresAt: 3 * HOUR_MS, isNew: true });
    assert.equal(firstRequest(renewal, HOUR_MS, 4 * HOUR_MS), 2 * HOUR_MS);
  });

  it('is never asked for by a host that stays for ever', () => {
    assert.equal(firstRequest(start(null), 0, 100 * HOUR_MS), undefined);
    const renewal = start(HOUR_MS);
    assert.notEqual(renewal.poll(HOUR_MS), undefined);
    renewal.handleAnswer(until(null), HOUR_MS);
    assert.equal(firstRequest(renewal, HOUR_MS, 100 * HOUR_MS), undefined);
  });

  it('begins with the question when the end is, if nobody has written that down', () => {
    const renewal = start(undefined);
    const request = renewal.poll(0);
    assert.deepEqual([request?.method, request?.path], ['GET', '/v1/config?format=json']);
    const config = {
      network: { name: 'home', suffix: 'home.internal', ranges: ['10.0.0.0/24'] },
      host: {
        name: 'teddy',
        publicKey: `${'A'.repeat(43)}=`,
        addresses: ['10.0.0.1/24'],
        listenPort: 51_820,
        endpoint: null,
        routes: [],
        expiresAt: new Date(2 * HOUR_MS).toISOString(),
      },
      version: 1,
      peers: [],
    };
    assert.deepEqual(renewal.handleAnswer(answer(200, config), 0), {
      type: 'known',
      expiresAt: 2 * HOUR_MS,
      isNew: true,
    });
    assert.equal(renewal.poll(HOUR_MS)?.path, '/v1/renew');
  });

  it('is asked for at once when the registry says that the time is up', () => {
    const renewal = start(10 * HOUR_MS);
    assert.equal(renewal.poll(0), undefined);
    renewal.handleExpired(0);
    assert.equal(renewal.poll(0)?.path, '/v1/renew');
    const unknown = start(undefined);
    unknown.poll(0);
    const problem = { type: 'urn:peerage:problem:host-expired', detail: 'It is up.' };
    assert.deepEqual(unknown.handleAnswer(answer(403, problem, PROBLEM), 0), { type: 'failed', reason: 'It is up.' });
    assert.equal(firstRequest(unknown, 0, HOUR_MS), 6000);
  });

  it('is tried again many times before the end, whatever answers', () => {
    const wrong = fc.constantFrom(answer(502), answer(200, 'hello'), answer(200, {}), answer(500, '{}', PROBLEM));
    fc.assert(
      fc.property(
        fc.integer({ min: 60_000, max: 1000 * HOUR_MS }),
        fc.array(wrong, { minLength: 1 }),
        (end, answers) => {
          const renewal = start(end);
          let now = 0;
          let tries = 0;
          while (now < end) {
            if (renewal.poll(now) !== undefined) renewal.handleAnswer(answers[tries++ % answers.length]!, now);
            now += 3000 + (end - now > 60_000 ? Math.floor((end - now) / 50) : 0);
          }
          assert(tries >= 3, `${tries} tries in ${end} ms`);
          assert(renewal.poll(now + 600_000) !== undefined, 'and it goes on');
        },
      ),
    );
  });

  it('does not become a flood, whatever the registry says', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1000 * HOUR_MS, max: 1000 * HOUR_MS }), (end) => {
        const renewal = start(0, HOUR_MS);
        let asked = 0;
        for (let now = HOUR_MS; now < HOUR_MS + 60_000; now += 100)
          if (renewal.poll(now) !== undefined) {
            asked++;
            renewal.handleAnswer(until(end), now);
          }
        assert(asked <= 12, `${asked} requests in a minute`);
      }),
    );
  });
});
