/** The agent and a registry at the edge: its own requests and sockets, to workerd with D1, without a tunnel. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { http } from '../../../runtime/linux/http.ts';
import { Watch, type WatchEvent } from '../../../src/agent/watch.ts';
import { RegistryWatch } from '../../../src/cli/registry-watch.ts';
import { randomBytes, systemClock } from '../../../src/library/surroundings.ts';
import type { Enrolled } from '../../../src/registry/wire.ts';
import { waitFor } from '../../interop/lab/wait.ts';
import { isEdge } from '../engines/engine.ts';
import { expectStatus, type Lab } from '../lab.ts';
import { startPair } from '../pair.ts';

if (isEdge) {
  test('an agent listens where the registry offers a socket, hears of a change, and of its own end', async (t) => {
    const { lab, token, dolores } = await startPair(t);
    const agent = startAgent(t, lab, dolores);
    await waitFor('the agent listens', () => agent.watch.isListening);
    assert.deepEqual(names(agent.watch), ['maeve']);
    await lab.enrol(token, { name: 'charlotte' });
    await waitFor('the change has come', () => names(agent.watch).includes('charlotte'));
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/home/hosts/maeve'));
    await waitFor('the removal has come', () => !names(agent.watch).includes('maeve'));
    // Over the socket: a request comes before each attempt to open one, and no other.
    assert.ok(agent.count.answers <= agent.count.sockets, JSON.stringify(agent.count));
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/home/hosts/dolores'));
    await waitFor('the agent is told', () => agent.events.some(({ type }) => type === 'refused'));
    assert.ok(!agent.watch.isListening);
    assert.deepEqual(names(agent.watch), ['charlotte']);
  });

  test('an agent that loses its socket opens another, and has missed nothing', async (t) => {
    const { lab, token, dolores } = await startPair(t);
    const agent = startAgent(t, lab, dolores);
    await waitFor('the agent listens', () => agent.watch.isListening);
    // Newer sockets of the same host take the place of the agent's.
    const { hostKey } = dolores;
    const headers = { authorization: `Bearer ${hostKey}` };
    for (let i = 0; i < 4; i++) {
      const other = await http.listen({ url: `${lab.url}/v1/socket?since=3`, headers });
      t.after(() => other.close());
    }
    await waitFor('the agent has lost its socket', () => !agent.watch.isListening);
    await lab.enrol(token, { name: 'charlotte' });
    await waitFor('the agent listens again', () => agent.watch.isListening);
    await waitFor('the change has come', () => names(agent.watch).includes('charlotte'));
  });
}

interface RunningAgent {
  readonly watch: Watch;
  readonly events: readonly WatchEvent[];
  readonly count: { readonly answers: number; readonly sockets: number };
}

function startAgent(t: TestContext, { url }: Lab, { hostKey, host, version }: Enrolled): RunningAgent {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const watch = new Watch({
    hostKey,
    ownPublicKey: host.publicKey,
    present: { version, peers: [] },
    random: randomBytes,
    now: systemClock.monotonic(),
  });
  const { signal } = stop;
  const count = { answers: 0, sockets: 0 };
  const counted: typeof http = {
    ...http,
    listen(request) {
      count.sockets++;
      return http.listen(request);
    },
  };
  const onAnswer = (): void => void count.answers++;
  const registry = new RegistryWatch({ http: counted, clock: systemClock }, { registry: url, watch, signal, onAnswer });
  const events: WatchEvent[] = [];
  void (async () => {
    let next = registry.next();
    while (!signal.aborted) {
      registry.act();
      // Looks at its times as the agent does.
      const pause = new Promise<'pause'>((resolve) => void setTimeout(resolve, 20, 'pause'));
      const heard = await Promise.race([next, pause]);
      if (heard === 'pause') continue;
      next = registry.next();
      if (heard !== undefined) events.push(heard);
    }
  })();
  return { watch, events, count };
}

function names({ present }: Watch): string[] {
  return present.peers.map(({ name }) => name);
}
