import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Reporter } from '../../src/agent/report.ts';
import { keyOf, peer } from './fake-registry.ts';

const NOW = 1_700_000_000_000;

function seen(number: number, endpoint: string | undefined, latestHandshakeMs = NOW - 1000) {
  return { publicKey: keyOf(number), endpoint, latestHandshakeMs };
}

describe('reporting what this host sees', () => {
  it('tells a new endpoint once', () => {
    const reporter = new Reporter();
    const observation = { listenPort: 0, peers: [seen(1, '198.51.100.7:4000')] };
    const report = reporter.compose(observation, [peer(1)], NOW);
    assert.deepEqual(report, {
      observed: [{ publicKey: keyOf(1), endpoint: '198.51.100.7:4000', latestHandshake: NOW / 1000 - 1 }],
    });
    reporter.accepted(report);
    assert.equal(reporter.compose(observation, [peer(1)], NOW), undefined);
  });

  it('tells it again when the registry did not get it', () => {
    const reporter = new Reporter();
    const observation = { listenPort: 0, peers: [seen(1, '198.51.100.7:4000')] };
    assert.deepEqual(
      reporter.compose(observation, [peer(1)], NOW),
      reporter.compose(observation, [peer(1)], NOW + 1000),
    );
  });

  it('tells an endpoint once more when a handshake confirmed it, and then leaves it to the others', () => {
    const reporter = new Reporter();
    const elsewhere = [peer(1, { endpoint: '198.51.100.7:1' })];
    for (const [handshake, times] of [
      [NOW, 1],
      [NOW + 120_000, 1],
      [NOW + 240_000, 0],
    ] as const) {
      const observation = { listenPort: 0, peers: [seen(1, '198.51.100.7:2', handshake)] };
      const report = reporter.compose(observation, elsewhere, handshake);
      assert.equal(report?.observed.length ?? 0, times);
      if (report !== undefined) reporter.accepted(report);
      assert.equal(reporter.compose(observation, elsewhere, handshake + 1000), undefined);
    }
  });

  it('tells its own port when it changed', () => {
    const reporter = new Reporter();
    const report = reporter.compose({ listenPort: 55867, peers: [] }, [], NOW);
    assert.deepEqual(report, { listenPort: 55867, observed: [] });
    reporter.accepted(report);
    assert.equal(reporter.compose({ listenPort: 55867, peers: [] }, [], NOW), undefined);
    assert.equal(reporter.compose({ listenPort: 0, peers: [] }, [], NOW), undefined, 'the interface is down');
  });

  it('keeps to itself what is old, known, of strangers, or of use only here', () => {
    const cases: [string, ReturnType<typeof seen>, ReturnType<typeof peer>[]][] = [
      ['no handshake for long', seen(1, '198.51.100.7:1', NOW - 181_000), [peer(1)]],
      ['no handshake ever', seen(1, '198.51.100.7:1', 0), [peer(1)]],
      ['the registry says the same', seen(1, '198.51.100.7:1'), [peer(1, { endpoint: '198.51.100.7:1' })]],
      ['not of this network', seen(2, '198.51.100.7:1'), [peer(1)]],
      ['no endpoint', seen(1, undefined), [peer(1)]],
      ['private, over a public one', seen(1, '192.168.1.5:1'), [peer(1, { endpoint: '198.51.100.7:1' })]],
      ['link-local, over a public one', seen(1, '[fe80::1%2]:1'), [peer(1, { endpoint: '198.51.100.7:1' })]],
    ];
    for (const [why, observed, known] of cases)
      assert.equal(new Reporter().compose({ listenPort: 0, peers: [observed] }, known, NOW), undefined, why);
  });

  it('tells a private endpoint where nobody knows a better one', () => {
    const observation = { listenPort: 0, peers: [seen(1, '192.168.1.5:1')] };
    assert.equal(new Reporter().compose(observation, [peer(1)], NOW)?.observed.length, 1);
  });
});
