import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { LAST_BACKOFF_MS, LAST_INTERVAL_MS } from '../../src/agent/watch.ts';
import { answer, FakeRegistry, keyOf, peer, Simulation } from './fake-registry.ts';

const HOUR_MS = 3_600_000;

describe('watching a registry that holds requests', () => {
  it('learns of a change as soon as it happens, and in a quiet hour asks about once a minute', () => {
    const registry = new FakeRegistry();
    registry.put(peer(1));
    const simulation = new Simulation(registry);
    simulation.runUntil(HOUR_MS);
    assert.ok(simulation.requests < 75, `${simulation.requests} requests`);
    registry.put(peer(2));
    simulation.runUntil(HOUR_MS + 1000);
    assert.deepEqual(simulation.watch.present, { version: 3, peers: [peer(1), peer(2)] });
    assert.equal(simulation.events.at(-1)?.at, HOUR_MS);
  });

  it('has, after any history of changes and failures, the list that the registry has', () => {
    const action = fc.oneof(
      fc.record({ type: fc.constant('put' as const), host: fc.integer({ min: 1, max: 9 }), keepalive: fc.nat(9) }),
      fc.record({ type: fc.constant('remove' as const), host: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ type: fc.constantFrom('down' as const, 'up' as const, 'hold' as const, 'answer at once' as const) }),
      fc.record({
        type: fc.constant('sockets' as const),
        sockets: fc.constantFrom('none' as const, 'good' as const, 'refused' as const, 'mute' as const),
      }),
      fc.record({ type: fc.constant('pass' as const), ms: fc.nat(200_000) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), fc.integer(), (actions, seed) => {
        const registry = new FakeRegistry();
        const simulation = new Simulation(registry, seed);
        for (const step of actions) {
          if (step.type === 'put') registry.put(peer(step.host, { persistentKeepalive: step.keepalive }));
          else if (step.type === 'remove') registry.remove(keyOf(step.host));
          else if (step.type === 'pass') simulation.runUntil(simulation.now + step.ms);
          else if (step.type === 'down' || step.type === 'up') registry.isDown = step.type === 'down';
          else if (step.type === 'sockets') registry.sockets = step.sockets;
          else registry.holdsRequests = step.type === 'hold';
        }
        registry.isDown = false;
        simulation.runUntil(simulation.now + LAST_BACKOFF_MS + 2 * LAST_INTERVAL_MS);
        assert.deepEqual(simulation.watch.present, { version: registry.version, peers: registry.peers });
      }),
    );
  });
});

describe('watching a registry that is down', () => {
  it('keeps the last list for a day, asks ever less often, and is current within two minutes of its return', () => {
    const registry = new FakeRegistry();
    registry.put(peer(1));
    const simulation = new Simulation(registry);
    simulation.runUntil(1000);
    registry.isDown = true;
    simulation.runUntil(24 * HOUR_MS);
    assert.deepEqual(simulation.watch.present.peers, [peer(1)]);
    assert.ok(simulation.requests < 24 * 130, `${simulation.requests} requests`);
    registry.isDown = false;
    registry.put(peer(2));
    simulation.runUntil(24 * HOUR_MS + 120_000);
    assert.deepEqual(simulation.watch.present.peers, [peer(1), peer(2)]);
  });

  it('says that it is back without waiting for the next change', () => {
    const registry = new FakeRegistry();
    const simulation = new Simulation(registry);
    simulation.runUntil(1000);
    registry.isDown = true;
    simulation.runUntil(100_000);
    registry.isDown = false;
    simulation.runUntil(100_000 + LAST_BACKOFF_MS);
    assert.equal(simulation.events.at(-1)?.event.type, 'unchanged');
  });

  it('spreads the requests of many hosts', () => {
    const times = Array.from({ length: 200 }, (_, seed) => {
      const registry = new FakeRegistry();
      registry.isDown = true;
      const simulation = new Simulation(registry, seed * 7919);
      simulation.runUntil(300_000);
      return simulation.watch.nextTimeout();
    });
    const spread = Math.max(...times) - Math.min(...times);
    assert.ok(spread > 20_000, `within ${spread} ms`);
  });
});

describe('watching a registry that answers at once', () => {
  it('works its way up to an interval of a minute', () => {
    const registry = new FakeRegistry();
    registry.holdsRequests = false;
    const simulation = new Simulation(registry);
    simulation.runUntil(HOUR_MS);
    assert.ok(simulation.requests > 45 && simulation.requests < 80, `${simulation.requests} requests`);
  });

  it('comes back when the registry says', () => {
    const registry = new FakeRegistry();
    registry.holdsRequests = false;
    registry.retryAfterSeconds = 960;
    const simulation = new Simulation(registry);
    simulation.runUntil(24 * HOUR_MS);
    assert.ok(simulation.requests > 75 && simulation.requests < 100, `${simulation.requests} requests`);
  });
});

describe('listening to a registry that offers a socket', () => {
  function listening(seed = 1): Simulation {
    const registry = new FakeRegistry();
    registry.holdsRequests = false;
    registry.retryAfterSeconds = 960;
    registry.sockets = 'good';
    registry.put(peer(1));
    const simulation = new Simulation(registry, seed);
    simulation.runUntil(10_000);
    assert.ok(simulation.watch.isListening);
    return simulation;
  }

  it('learns of a change at once, and asks for nothing but a new socket every few hours', () => {
    const simulation = listening();
    simulation.runUntil(24 * HOUR_MS);
    assert.ok(simulation.requests >= 6 && simulation.requests < 12, `${simulation.requests} requests`);
    assert.equal(simulation.sockets, simulation.requests - 1);
    simulation.registry.put(peer(2));
    simulation.registry.remove(keyOf(1));
    simulation.runUntil(24 * HOUR_MS);
    assert.deepEqual(simulation.watch.present, { version: 4, peers: [peer(2)] });
  });

  it('pings so often that no connection on the way is forgotten', () => {
    const simulation = listening();
    simulation.runUntil(HOUR_MS);
    assert.ok(simulation.pings > 60 && simulation.pings < 100, `${simulation.pings} pings`);
  });

  it('notices a socket that is gone without a word, and knows the list two minutes later', () => {
    const simulation = listening();
    simulation.registry.sockets = 'mute';
    simulation.registry.put(peer(2));
    simulation.runUntil(simulation.now + 120_000);
    assert.ok(!simulation.watch.isListening);
    assert.deepEqual(simulation.watch.present.peers, [peer(1), peer(2)]);
  });

  it('asks as if there were none where sockets do not open, and tries ever less often', () => {
    const simulation = listening();
    simulation.registry.sockets = 'refused';
    simulation.runUntil(simulation.now + 24 * HOUR_MS);
    assert.ok(simulation.sockets < 50, `${simulation.sockets} sockets`);
    assert.ok(simulation.requests > 85 && simulation.requests < 250, `${simulation.requests} requests`);
    simulation.registry.sockets = 'good';
    simulation.runUntil(simulation.now + 3 * HOUR_MS);
    assert.ok(simulation.watch.isListening);
  });

  it('spreads the return of many hosts that lose their sockets at once', () => {
    const times = Array.from({ length: 200 }, (_, seed) => {
      const { watch, now } = listening(seed * 7919);
      watch.handleEnd(1006, now);
      return watch.nextTimeout() - now;
    });
    assert.ok(Math.max(...times) - Math.min(...times) > 5000);
    assert.ok(Math.max(...times) <= 12_000);
  });

  it('asks why when its key is refused, and for the list when the news are too long', () => {
    for (const [code, withinMs] of [
      [4401, 1000],
      [4403, 1000],
      [4413, 60_000],
    ] as const) {
      const { watch, now } = listening();
      watch.handleFrame(JSON.stringify({ close: code, reason: 'because' }), now);
      assert.ok(!watch.isListening);
      assert.ok(watch.nextTimeout() <= now + withinMs);
      const action = watch.poll(watch.nextTimeout());
      assert.ok(action?.type === 'ask' && action.request.path.startsWith('/v1/peers?since='));
    }
  });

  it('gives up a socket over which comes what is no peer list, or one that would draw the public Internet', () => {
    const allowedIps = Array.from({ length: 100 }, (_, i) => `${11 + i}.0.0.0/8`);
    const wide = { version: 9, full: true, peers: [peer(3, { allowedIps })], removed: [] };
    for (const text of ['', '<html>', '{}', '[]', 'ping', JSON.stringify(wide)]) {
      const { watch, now } = listening();
      assert.equal(watch.handleFrame(text, now).type, 'unavailable', text);
      assert.deepEqual(watch.present.peers, [peer(1)]);
      assert.ok(!watch.isListening && watch.nextTimeout() < now + LAST_BACKOFF_MS);
      const action = watch.poll(watch.nextTimeout());
      assert.ok(action?.type === 'ask' && action.request.path === '/v1/peers');
    }
  });

  it('never has a credential in an address', () => {
    const { watch, now } = listening();
    watch.handleEnd(1006, now);
    const action = watch.poll(watch.nextTimeout());
    assert.ok(action?.type === 'listen');
    assert.match(action.request.path, /^\/v1\/socket\?since=\d+$/);
    assert.equal(action.request.headers['authorization'], 'Bearer pgh_test');
  });
});

describe('answers that are no peer list', () => {
  const problem = { 'content-type': 'application/problem+json' };

  function eventOf(...args: Parameters<typeof answer>) {
    const { watch } = new Simulation(new FakeRegistry());
    watch.poll(0);
    return { event: watch.handleAnswer(answer(...args), 0), next: watch.nextTimeout() };
  }

  it('a refused host key ends it, with the words of the registry', () => {
    const { event, next } = eventOf(401, { detail: 'Gone\u001b[2J since\u202e\u200b yesterday' }, problem);
    assert.deepEqual(event, { type: 'refused', reason: 'Gone [2J since  yesterday' });
    assert.equal(next, Number.POSITIVE_INFINITY);
  });

  it('a login page of a captive portal does not', () => {
    assert.equal(eventOf(401, '<html>', { 'content-type': 'text/html' }).event.type, 'unavailable');
    assert.equal(eventOf(200, '<html>', { 'content-type': 'text/html' }).event.type, 'unavailable');
    assert.equal(eventOf(302).event.type, 'unavailable');
  });

  it('a list that would draw the public Internet is not believed, and is asked for again later', () => {
    const allowedIps = Array.from({ length: 100 }, (_, i) => `${11 + i}.0.0.0/8`);
    const list = { version: 2, full: true, peers: [peer(1, { allowedIps })], removed: [] };
    const { event, next } = eventOf(200, list, { etag: '"2"' });
    assert.equal(event.type, 'unavailable');
    assert.ok(next > 0 && next < Number.POSITIVE_INFINITY);
  });

  it('a registry that is overloaded is left alone for as long as it asks', () => {
    const { event, next } = eventOf(503, '', { 'retry-after': '600' });
    assert.equal(event.type, 'unavailable');
    assert.equal(next, 600_000);
  });
});

describe('an exit that is chosen while the registry is watched', () => {
  it('gets its default route and loses it at once, whatever the registry says meanwhile', () => {
    const registry = new FakeRegistry();
    registry.put(peer(1, { name: 'berlin', allowedIps: ['10.0.0.1/32', '0.0.0.0/0'] }));
    const simulation = new Simulation(registry);
    const { watch } = simulation;
    const routes = () => watch.present.peers.find(({ name }) => name === 'berlin')?.allowedIps;
    simulation.runUntil(HOUR_MS);
    assert.deepEqual(routes(), ['10.0.0.1/32']);
    assert.deepEqual(
      [watch.chooseExit('paris'), watch.chooseExit('berlin'), watch.chooseExit('berlin')],
      [true, true, false],
    );
    assert.deepEqual(routes(), ['10.0.0.1/32', '0.0.0.0/0']);
    registry.put(peer(2));
    simulation.runUntil(HOUR_MS + 120_000);
    assert.deepEqual([routes(), watch.present.peers.length], [['10.0.0.1/32', '0.0.0.0/0'], 2]);
    assert.equal(watch.chooseExit(undefined), true);
    assert.deepEqual(routes(), ['10.0.0.1/32']);
    simulation.runUntil(2 * HOUR_MS);
    assert.deepEqual([routes(), watch.present.version], [['10.0.0.1/32'], registry.version]);
  });
});
