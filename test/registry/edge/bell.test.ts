/** Hosts that listen at the Durable Object of their network: real sockets, to workerd with D1. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PeerList } from '../../../src/registry/wire.ts';
import { waitFor } from '../../interop/lab/wait.ts';
import { isEdge } from '../engines/engine.ts';
import { fillNetwork } from '../fill-network.ts';
import { expectProblem, expectStatus, someKey, startLab, type Lab } from '../lab.ts';
import { startPair } from '../pair.ts';
import { listen, type Listening } from './listening.ts';

/** The version of who has no list yet. */
const WHOLE = 0;
const BIG_NETWORK = 1000;

if (isEdge) {
  describe('hosts that listen at the edge', toldSuite);
  describe('sockets at the edge', socketSuite);
} else {
  test('a registry without sockets says so', async (t) => {
    const { lab, dolores, peers } = await startPair(t);
    expectProblem('no-events', await lab.ask('GET', '/v1/socket', { as: dolores.hostKey }));
    assert.equal((await peers()).headers.get('peerage-push'), null);
  });
}

function toldSuite(): void {
  test('a change reaches who listens as a difference, and so does what happened before', async (t) => {
    const { lab, token, dolores, peers } = await startPair(t);
    assert.equal((await peers()).headers.get('peerage-push'), 'websocket');
    const host = await listen(lab, dolores);
    await waitFor('what came before is told', () => host.told().includes('+maeve'));
    await lab.enrol(token, { name: 'charlotte' });
    await told(host, '+charlotte');
    assert.deepEqual(host.told(), ['+maeve', '+charlotte']);
    assert.ok(host.lists.every(({ full }) => !full));
  });

  test('a change reaches who listens when the first ring is lost', async (t) => {
    const { lab, token, dolores } = await startPair(t);
    const host = await listen(lab, dolores);
    await waitFor('what came before is told', () => host.told().includes('+maeve'));
    expectStatus(200, await lab.ask('POST', '/test-lost-ring', { as: null }));
    await lab.enrol(token, { name: 'charlotte' });
    await told(host, '+charlotte');
  });

  test('the first frame of a host that knows nothing is the whole list', async (t) => {
    const { lab, dolores } = await startPair(t);
    const host = await listen(lab, { ...dolores, version: WHOLE });
    await told(host, '+maeve');
    assert.deepEqual(
      host.lists.map(({ full }) => full),
      [true],
    );
  });

  test('a change reaches only those who may see it, with what they may see', async (t) => {
    const lab = await startLab(t);
    await patch(lab, '/v1/networks/home', { rules: [{ from: ['office'], to: ['servers'] }] });
    const enrol = async (name: string, tags: string[]) => lab.enrol(await lab.token({ tags }), { name });
    const [office, server, guest] = [
      await enrol('office', ['office']),
      await enrol('server', ['servers']),
      await enrol('guest', ['guests']),
    ];
    const [desk, rack, lobby] = await Promise.all([listen(lab, office), listen(lab, server), listen(lab, guest)]);
    await told(desk, '+server');
    await enrol('second-server', ['servers']);
    await told(desk, '+second-server');
    // The one host that the guest may see comes last: what it was not to see has been on its way before.
    await patch(lab, '/v1/networks/home', {
      rules: [
        { from: ['office'], to: ['servers'] },
        { from: ['guests'], to: ['printers'] },
      ],
    });
    await enrol('printer', ['printers']);
    await told(lobby, '+printer');
    assert.deepEqual(lobby.told(), ['+printer']);
    await enrol('second-office', ['office']);
    await told(rack, '+second-office');
    assert.deepEqual(rack.told(), ['+second-office']);
    assert.deepEqual(desk.told(), ['+server', '+second-server']);
  });

  test('rules that change are told as a list in full to those they concern', async (t) => {
    const { lab, dolores, maeve } = await startPair(t);
    const host = await listen(lab, dolores);
    await told(host, '+maeve');
    await patch(lab, '/v1/networks/home', { rules: [] });
    await waitFor('the list is empty', () => host.lists.at(-1)?.full === true && host.lists.at(-1)?.peers.length === 0);
    await patch(lab, '/v1/networks/home', { rules: null });
    await waitFor('the list is back', () => host.lists.at(-1)?.peers[0]?.publicKey === maeve.host.publicKey);
    assert.equal(host.lists.at(-1)?.full, true);
  });

  test('after every change of a network, what was told adds up to what the registry answers', async (t) => {
    const lab = await startLab(t);
    const tags = [['office'], ['servers'], ['office', 'servers'], []];
    const hosts = await Promise.all(
      tags.map(async (list, i) => lab.enrol(await lab.token({ tags: list }), { name: `host-${i}` })),
    );
    const listening = await Promise.all(hosts.map((host) => listen(lab, { ...host, version: WHOLE })));
    const agree = async (what: string): Promise<void> => {
      for (const [i, { hostKey }] of hosts.entries())
        await waitFor(`host ${i} knows what the registry says after ${what}`, async () => {
          const { peers } = expectStatus(200, await lab.ask('GET', '/v1/peers', { as: hostKey })).read(PeerList);
          return JSON.stringify(peers) === JSON.stringify(sum(listening[i]!.lists)); // as many as hosts
        });
    };
    const home = '/v1/networks/home';
    await agree('the start');
    await patch(lab, home, { rules: [{ from: ['office'], to: ['servers'] }] });
    await agree('a rule');
    await patch(lab, `${home}/hosts/host-3`, { tags: ['servers'] });
    await agree('a tag');
    await patch(lab, `${home}/hosts/host-0`, { endpoint: '198.51.100.9:51820' });
    await agree('an endpoint');
    await lab.enrol(await lab.token({ tags: ['office'] }), { name: 'new' });
    await agree('a host that came');
    const next = someKey();
    expectStatus(200, await lab.ask('POST', '/v1/rotate', { as: hosts[1]!.hostKey, body: { publicKey: next } }));
    await agree('an announced key');
    expectStatus(
      200,
      await lab.ask('POST', '/v1/rotate', { as: hosts[1]!.hostKey, body: { publicKey: next, use: true } }),
    );
    await agree('a rotated key');
    expectStatus(204, await lab.ask('DELETE', `${home}/hosts/new`));
    await agree('a host that went');
    await patch(lab, home, { rules: null });
    await agree('rules that went');
  });

  test(`${BIG_NETWORK} sockets are all told of one change`, async (t) => {
    const lab = await startLab(t);
    const { hostKeys } = await bigNetwork(lab, BIG_NETWORK, BIG_NETWORK);
    const listening: Listening[] = [];
    // A few at a time: what a loaded machine does to a thousand connections in one moment is not the question.
    for (let i = 0; i < hostKeys.length; i += 10) {
      const some = hostKeys.slice(i, i + 10).map((hostKey) => listen(lab, { hostKey, version: BIG_NETWORK + 1 }));
      listening.push(...(await Promise.all(some)));
    }
    expectStatus(
      201,
      await lab.ask('POST', '/v1/networks/big/hosts', { body: { name: 'bernard', publicKey: someKey() } }),
    );
    for (const host of listening) await told(host, '+bernard');
    for (const host of listening) assert.deepEqual([host.told(), host.closed], [['+bernard'], undefined]);
  });

  test('sockets whose object is out of memory are told as before, each from where it was', async (t) => {
    const { lab, token, dolores, maeve } = await startPair(t);
    // One after the other: miniflare puts no object out of memory that was ever asked for two at once.
    const [first, second] = [await listen(lab, { ...dolores, version: WHOLE }), await listen(lab, maeve)];
    for (const name of ['bernard', 'charlotte', 'ford']) {
      await lab.edge!.hibernate(1);
      await lab.enrol(token, { name });
      await told(first, `+${name}`);
      await told(second, `+${name}`);
    }
    assert.deepEqual(first.told(), ['+maeve', '+bernard', '+charlotte', '+ford']);
    assert.deepEqual(second.told(), ['+bernard', '+charlotte', '+ford']);
  });

  test('a list that is too long for a frame is asked for instead', async (t) => {
    const lab = await startLab(t);
    const { hostKeys } = await bigNetwork(lab, 4 * BIG_NETWORK, 1);
    const host = await listen(lab, { hostKey: hostKeys[0]!, version: WHOLE });
    await closed(host, 4413);
    assert.deepEqual(host.lists, []);
  });
}

function socketSuite(): void {
  test('a host that is removed is hung up on, and the others forget it', async (t) => {
    const { lab, dolores, maeve } = await startPair(t);
    const [removed, other] = [await listen(lab, maeve), await listen(lab, dolores)];
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/home/hosts/maeve'));
    await closed(removed, 4401);
    await told(other, `-${maeve.host.publicKey}`);
    assert.equal(other.closed, undefined);
  });

  test('a host whose time is up is hung up on without anybody asking for anything', async (t) => {
    const { lab, dolores } = await startPair(t);
    await patch(lab, '/v1/networks/home', { hostLifetime: 60 });
    const guest = await lab.enrol(await lab.token(), { name: 'guest' });
    const pass = async (ms: number): Promise<void> => {
      lab.clock.now += ms;
      // Tells the time, and touches no network.
      expectStatus(200, await lab.ask('GET', '/healthz', { as: null }));
    };
    await pass(59_999);
    const [short, long] = [await listen(lab, guest), await listen(lab, dolores)];
    await told(long, '+guest');
    await pass(1);
    await closed(short, 4403);
    await told(long, `-${guest.host.publicKey}`);
  });

  test('an ephemeral host that listens is not silent', async (t) => {
    const { lab, dolores } = await startPair(t);
    await patch(lab, '/v1/networks/home', { silence: 3600 });
    const runner = await lab.enrol(await lab.token({ ephemeral: true }), { name: 'runner' });
    const gone = await lab.enrol(await lab.token({ ephemeral: true }), { name: 'gone' });
    expectStatus(200, await lab.ask('GET', '/v1/peers', { as: gone.hostKey }));
    const [listening, other] = [await listen(lab, runner), await listen(lab, dolores)];
    for (const minutes of [40, 40]) {
      lab.clock.now += minutes * 60_000;
      // Any change makes the object look.
      await patch(lab, '/v1/networks/home/hosts/maeve', { endpoint: `192.0.2.1:${50_000 + (lab.clock.now % 1000)}` });
      const count = other.lists.length;
      await patch(lab, '/v1/networks/home/hosts/maeve', { endpoint: '192.0.2.2:50000' });
      await waitFor('the object has looked', () => other.lists.length > count);
    }
    await told(other, `-${gone.host.publicKey}`);
    assert.equal(listening.closed, undefined);
    expectStatus(200, await lab.ask('GET', '/v1/peers', { as: runner.hostKey }));
  });

  test('a socket that has been silent for five minutes is closed at the next change, one that sent a ping is not', async (t) => {
    const { lab, token, dolores, maeve } = await startPair(t);
    const setBack = (ms: number) => fetch(`${lab.url}/test-socket-clock`, { method: 'POST', body: `${-ms}` });
    await setBack(300_000);
    const [polite, silent] = [await listen(lab, dolores), await listen(lab, maeve)];
    let pongs = 0;
    polite.socket.addEventListener('message', ({ data }) => (pongs += Number(data === 'pong')));
    polite.socket.send('ping');
    await waitFor('a pong', () => pongs === 1);
    await setBack(0);
    await lab.enrol(token, { name: 'charlotte' });
    await closed(silent, 4408);
    await told(polite, '+charlotte');
    assert.equal(polite.closed, undefined);
    assert.ok(!silent.told().includes('+charlotte'));
  });

  test('a socket that was cut off goes on where it was', async (t) => {
    const { lab, token, dolores, peers } = await startPair(t);
    const first = await listen(lab, dolores);
    await told(first, '+maeve');
    const { version } = (await peers()).read(PeerList);
    first.socket.close();
    await waitFor('the socket is closed', () => first.closed !== undefined);
    await lab.enrol(token, { name: 'charlotte' });
    const second = await listen(lab, { ...dolores, version });
    await told(second, '+charlotte');
    assert.deepEqual(second.told(), ['+charlotte']);
  });

  test('a ping is answered, awake or not, and after any other word the socket is closed', async (t) => {
    const { lab, dolores, maeve } = await startPair(t);
    const [polite, loud] = [await listen(lab, dolores), await listen(lab, maeve)];
    let pongs = 0;
    polite.socket.addEventListener('message', ({ data }) => (pongs += Number(data === 'pong')));
    polite.socket.send('ping');
    await waitFor('a pong', () => pongs === 1);
    await lab.edge?.hibernate(1);
    polite.socket.send('ping');
    await waitFor('another pong', () => pongs === 2);
    loud.socket.send('x'.repeat(1_000_000));
    await closed(loud, 4400);
    assert.equal(polite.closed, undefined);
  });

  test('of too many sockets of a host the oldest ends', async (t) => {
    const { lab, dolores, maeve } = await startPair(t);
    const other = await listen(lab, maeve);
    const own: Listening[] = [];
    for (let i = 0; i < 5; i++) own.push(await listen(lab, dolores));
    await closed(own[0]!, 4409);
    assert.deepEqual(
      [...own.slice(1), other].map((host) => host.closed),
      [undefined, undefined, undefined, undefined, undefined],
    );
  });

  test('without a good credential, from a page, or without an upgrade there is no socket', async (t) => {
    const { lab, dolores } = await startPair(t);
    const ask = (as: string | null) => lab.ask('GET', '/v1/socket', { as });
    expectProblem('unauthorized', await ask(null));
    expectProblem('unauthorized', await ask(`pgh_${'x'.repeat(43)}`));
    expectProblem('forbidden', await ask(lab.adminKey));
    expectProblem('upgrade-required', await ask(dolores.hostKey));
    for (const hostKey of [`pgh_${'x'.repeat(43)}`, lab.adminKey, await lab.token()])
      await assert.rejects(listen(lab, { hostKey, version: 1 }), /has taken the socket/);
    await assert.rejects(listen(lab, dolores, { origin: 'https://example.com' }), /has taken the socket/);
    await assert.rejects(listen(lab, dolores, { origin: lab.url }), /has taken the socket/);
  });

  test('a registry without the object works as before', async (t) => {
    const lab = await startLab(t, { hasBell: false });
    const { hostKey } = await lab.enrol(await lab.token());
    expectProblem('no-events', await lab.ask('GET', '/v1/socket', { as: hostKey }));
    const peers = expectStatus(200, await lab.ask('GET', '/v1/peers', { as: hostKey }));
    assert.equal(peers.headers.get('peerage-push'), null);
  });
}

/** A network of so many hosts, with keys for some. */
async function bigNetwork(lab: Lab, hosts: number, keys: number) {
  const body = { name: 'big', ranges: ['10.77.0.0/16'] };
  expectStatus(201, await lab.ask('POST', '/v1/networks', { body }));
  return fillNetwork(lab.edge!.database, 2, { hosts, keys });
}

async function told(host: Listening, what: string): Promise<void> {
  await waitFor(`${what} is told`, () => host.told().includes(what), { explain: () => JSON.stringify(host.lists) });
}

async function closed(host: Listening, code: number): Promise<void> {
  await waitFor('the socket is closed', () => host.closed !== undefined);
  assert.equal(host.closed, code);
}

/** Changes what the path names, as it is now. */
async function patch(lab: Lab, path: string, body: object): Promise<void> {
  const etag = expectStatus(200, await lab.ask('GET', path)).headers.get('etag')!; // each answer of this kind has one
  expectStatus(200, await lab.ask('PATCH', path, { body, headers: { 'if-match': etag } }));
}

/** The peers after all these lists, by name. */
function sum(lists: readonly PeerList[]): PeerList['peers'] {
  const byKey = new Map<string, PeerList['peers'][number]>();
  for (const { full, peers, removed } of lists) {
    if (full) byKey.clear();
    for (const key of removed) byKey.delete(key);
    for (const peer of peers) byKey.set(peer.publicKey, peer);
  }
  return [...byKey.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
