/** Requests that wait for a change, and what an edge where none can wait says instead. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HostList, HostView, PeerList } from '../../src/registry/wire.ts';
import { isEdge } from './engines/engine.ts';
import { expectProblem, expectStatus, type Lab } from './lab.ts';
import { startPair } from './pair.ts';
import { waitFor } from '../interop/lab/wait.ts';

if (isEdge) describe('waiting at the edge', edgeSuite);
else describe('waiting for a change', waitingSuite);

function edgeSuite(): void {
  test('a request that asks to wait is answered at once, and told when to come again', async (t) => {
    const { lab, token, dolores, peers } = await startPair(t);
    const first = await peers();
    const { version } = first.read(PeerList);
    const headers = { 'if-none-match': first.headers.get('etag')! };
    const unchanged = expectStatus(304, await peers(`?since=${version}&wait=55`, headers));
    assert.equal(unchanged.headers.get('retry-after'), '60');
    expectProblem('no-events', await lab.ask('GET', '/v1/events', { as: dolores.hostKey }));
    await lab.enrol(token, { name: 'charlotte' });
    const changed = expectStatus(200, await peers(`?since=${version}&wait=55`, headers));
    assert.equal(changed.headers.get('retry-after'), null);
    assert.deepEqual(
      changed.read(PeerList).peers.map(({ name }) => name),
      ['charlotte'],
    );
  });
}

function waitingSuite(): void {
  test('a stream of events brings the list, then each change, and ends when the host is removed', async (t) => {
    const { lab, token, dolores } = await startPair(t);
    const headers = { authorization: `Bearer ${dolores.hostKey}` };
    const answer = await fetch(`${lab.url}/v1/events`, { headers });
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/);
    const events = readEvents(answer);
    const first = await events.next();
    assert.deepEqual([first.value?.full, first.value?.peers.map(({ name }) => name)], [true, ['maeve']]);
    await lab.enrol(token, { name: 'charlotte' });
    const second = await events.next();
    assert.deepEqual([second.value?.full, second.value?.peers.map(({ name }) => name)], [false, ['charlotte']]);
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/home/hosts/dolores'));
    assert.equal((await events.next()).done, true);
  });

  test('a stream that was cut off goes on where it was, and one of a registry that shuts down ends', async (t) => {
    const { lab, token, dolores, peers } = await startPair(t);
    const { version } = (await peers()).read(PeerList);
    await lab.enrol(token, { name: 'charlotte' });
    const headers = { authorization: `Bearer ${dolores.hostKey}`, 'last-event-id': `${version}` };
    const events = readEvents(await fetch(`${lab.url}/v1/events`, { headers }));
    const next = await events.next();
    assert.deepEqual([next.value?.full, next.value?.peers.map(({ name }) => name)], [false, ['charlotte']]);
    const [end] = await Promise.all([events.next(), lab.close()]);
    assert.equal(end.done, true);
  });

  test('a host on a stream of events is not silent: it stays for as long as the stream does', async (t) => {
    const { lab, token } = await startPair(t);
    const teddy = await lab.enrol(await lab.token({ ephemeral: true, name: 'teddy' }));
    const controller = new AbortController();
    const headers = { authorization: `Bearer ${teddy.hostKey}` };
    const events = readEvents(await fetch(`${lab.url}/v1/events`, { headers, signal: controller.signal }));
    await events.next();
    const listed = async () => {
      const { hosts } = expectStatus(200, await lab.ask('GET', '/v1/networks/home/hosts')).read(HostList);
      return hosts.some(({ name }) => name === 'teddy');
    };
    for (const name of ['charlotte', 'bernard', 'clementine']) {
      lab.clock.now += 0.7 * 3_600_000;
      // What wakes the stream, as its heartbeat would.
      await lab.enrol(token, { name });
      assert.deepEqual(
        (await events.next()).value?.peers.map((peer) => peer.name),
        [name],
      );
      const { seenAt } = (await lab.ask('GET', '/v1/networks/home/hosts/teddy')).read(HostView);
      assert.equal(seenAt, new Date(lab.clock.now).toISOString());
    }
    controller.abort();
    await events.next().catch(() => {});
    // The registry hears of it a moment later.
    await waitFor('it goes once it has hung up', async () => {
      lab.clock.now += 3_600_000;
      return !(await listed());
    });
  });

  test('a host that hangs up makes room for others of its requests', async (t) => {
    const { lab, dolores, peers } = await startPair(t);
    const { version } = (await peers()).read(PeerList);
    const headers = { authorization: `Bearer ${dolores.hostKey}` };
    for (let i = 0; i < 20; i++) {
      const controller = new AbortController();
      const events = readEvents(await fetch(`${lab.url}/v1/events`, { headers, signal: controller.signal }));
      assert.equal((await events.next()).done, false);
      controller.abort();
      await events.next().catch(() => {});
    }
    // The registry hears of the last ones a moment later.
    await waitFor('there is room', async () => (await peers(`?since=${version}&wait=1`)).status === 200);
  });

  test('a request that waits is held until something changes', async (t) => {
    const { lab, token, peers } = await startPair(t);
    const first = await peers();
    const { version } = first.read(PeerList);
    const waiting = [
      peers(`?since=${version}&wait=55`),
      peers('?wait=55', { 'if-none-match': first.headers.get('etag')! }),
    ];
    let answered = 0;
    for (const answer of waiting)
      answer.then(
        () => answered++,
        () => answered++,
      );
    await untilHeld(lab, 2);
    assert.equal(answered, 0);
    await lab.enrol(token, { name: 'bernard' });
    const [difference, full] = await Promise.all(waiting);
    assert.deepEqual(
      expectStatus(200, difference!)
        .read(PeerList)
        .peers.map((peer) => peer.name),
      ['bernard'],
    );
    assert.equal(expectStatus(200, full!).read(PeerList).full, true);
    // Waiting is no request of its own: each is one line in the log.
    assert.equal(lab.logged.filter((line) => line.includes('"/v1/peers"')).length, 3);
  });

  test('two hundred hosts that wait all learn of one change, each by one small difference', async (t) => {
    const { lab, peers } = await startPair(t);
    const token = await lab.token({ uses: 200 });
    const names = Array.from({ length: 200 }, (_, i) => `host-${i}`);
    const hosts = await Promise.all(names.map((name) => lab.enrol(token, { name })));
    const { version } = (await peers()).read(PeerList);
    const waiting = hosts.map(({ hostKey }) => lab.ask('GET', `/v1/peers?since=${version}&wait=55`, { as: hostKey }));
    await untilHeld(lab, 200);
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/home/hosts/maeve'));
    for (const answer of await Promise.all(waiting)) {
      const { full, peers, removed } = expectStatus(200, answer).read(PeerList);
      assert.deepEqual([full, peers.length, removed.length], [false, 0, 1]);
    }
  });

  test('a host that is revoked while it waits is told so', async (t) => {
    const { lab, peers } = await startPair(t);
    const { version } = (await peers()).read(PeerList);
    const waiting = peers(`?since=${version}&wait=55`);
    await untilHeld(lab, 1);
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/home/hosts/dolores'));
    expectProblem('unauthorized', await waiting);
  });

  test('a registry that shuts down answers who waits first', async (t) => {
    const { lab, peers } = await startPair(t);
    const { version } = (await peers()).read(PeerList);
    const waiting = peers(`?since=${version}&wait=55`);
    await untilHeld(lab, 1);
    const [answer] = await Promise.all([waiting, lab.close()]);
    assert.deepEqual(expectStatus(200, answer).read(PeerList).removed, []);
  });

  test('a host cannot have more than eight requests wait at once', async (t) => {
    const { lab, maeve, peers } = await startPair(t);
    const { version } = (await peers()).read(PeerList);
    const waiting = Array.from({ length: 8 }, () => peers(`?since=${version}&wait=55`));
    await untilHeld(lab, 8);
    const refused = expectStatus(429, await peers(`?since=${version}&wait=55`));
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    expectStatus(200, await peers());
    const other = lab.ask('GET', `/v1/peers?since=${version}&wait=55`, { as: maeve.hostKey });
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/home/hosts/maeve'));
    for (const answer of await Promise.all(waiting)) expectStatus(200, answer);
    expectStatus(401, await other);
    expectStatus(200, await peers(`?since=${version}&wait=55`));
  });
}

/** Resolves when the registry holds so many requests. Another answer would not tell: it may come over another connection. */
async function untilHeld(lab: Lab, count: number): Promise<void> {
  await waitFor(`${count} requests wait`, async () => {
    const { text } = expectStatus(200, await lab.ask('GET', '/v1/metrics'));
    return text.includes(`\npeerage_waiting_requests ${count}\n`);
  });
}

/** The lists of a stream's events, as they come. */
async function* readEvents({ body }: Response): AsyncGenerator<PeerList, undefined> {
  let text = '';
  for await (const piece of body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const events = text.split('\n\n');
    text = events.pop()!; // the rest, of an event that is still on its way
    for (const event of events) {
      const [, data] = /^event: peers\ndata: (.*)\nid: \d+$/.exec(event) ?? [];
      if (data !== undefined) yield PeerList.parse(JSON.parse(data));
    }
  }
}
