/** Enrolment over HTTP: what a host gets, what it pays, and what is refused. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Enrolled, HostList, NetworkList, TokenList } from '../../src/registry/wire.ts';
import { expectProblem, expectStatus, someKey, startLab } from './lab.ts';

describe('enrolment', () => {
  test('a host gets an address in each range, its peers and a key that works', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token({ uses: 2 });
    const dolores = await lab.enrol(token, { name: 'dolores', endpoint: 'Dolores.example.net:51000' });
    const teddy = await lab.enrol(token);
    assert.match(teddy.host.addresses[0]!, /^10\.1\.2\.\d+\/24$/);
    assert.match(teddy.host.addresses[1]!, /^fd00:1:2:3::[0-9a-f]+\/64$/);
    assert.equal(teddy.host.listenPort, 51000);
    assert.deepEqual(teddy.peers, [
      {
        name: 'dolores',
        publicKey: dolores.host.publicKey,
        endpoint: 'dolores.example.net:51000',
        allowedIps: dolores.host.addresses.map((address) => address.replace('/24', '/32').replace('/64', '/128')),
        persistentKeepalive: 25,
      },
    ]);
    expectStatus(200, await lab.ask('GET', '/v1/peers', { as: teddy.hostKey }));
  });

  test('a form as curl sends it is answered with a wg0.conf without a private key', async (t) => {
    const lab = await startLab(t);
    const publicKey = someKey();
    const form = {
      name: 'teddy',
      publicKey,
      listenPort: '51001',
      endpoint: '',
      routes: '172.27.126.0/24, fd00:9::/64',
    };
    const token = await lab.token({ routes: ['172.16.0.0/12', 'fd00:9::/48'] });
    const answer = expectStatus(
      201,
      await lab.ask('POST', '/v1/enroll', { as: token, form, headers: { accept: '*/*' } }),
    );
    assert.match(answer.headers.get('content-type')!, /^text\/plain/);
    assert.match(answer.text, /^# teddy\.vpn\.example\.net in the network home/);
    assert.match(answer.text, /^# HostKey = pgh_[\w-]{43}$/m);
    assert.match(answer.text, /^Address = 10\.1\.2\.\d+\/24, fd00:1:2:3::[0-9a-f]+\/64$/m);
    assert.match(answer.text, /^ListenPort = 51001$/m);
    assert.match(answer.text, /^PostUp = wg set %i private-key \/etc\/wireguard\/%i\.key$/m);
    assert.doesNotMatch(answer.text, /^PrivateKey/m);
    const [host] = (await lab.ask('GET', '/v1/networks/home/hosts')).read(HostList).hosts;
    assert.deepEqual(host?.routes, ['172.27.126.0/24', 'fd00:9::/64']);
    assert.equal(host?.publicKey, publicKey);
  });

  test('the plus signs of a public key may arrive as spaces, as curl --data makes them', async (t) => {
    const lab = await startLab(t);
    const publicKey = `++${someKey().slice(2)}`;
    const body = `name=teddy&publicKey=${publicKey}`;
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
    const answer = await lab.ask('POST', '/v1/enroll', { as: await lab.token(), body, headers });
    assert.equal(expectStatus(201, answer).read(Enrolled).host.publicKey, publicKey);
  });

  test('a form may come in parts, and a type in capitals', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token({ uses: 2 });
    const send = (body: string | FormData, headers: Record<string, string> = {}) =>
      fetch(`${lab.url}/v1/enroll`, {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${token}`, ...headers },
      });
    const parts = new FormData();
    parts.set('name', 'teddy');
    parts.set('publicKey', someKey());
    assert.equal((await send(parts)).status, 201);
    const form = new URLSearchParams({ name: 'maeve', publicKey: someKey() });
    const type = { 'content-type': 'Application/X-WWW-Form-Urlencoded' };
    assert.equal((await send(String(form), type)).status, 201);
    const { hosts } = (await lab.ask('GET', '/v1/networks/home/hosts')).read(HostList);
    assert.deepEqual(
      hosts.map((host) => host.name),
      ['maeve', 'teddy'],
    );
  });

  for (const { uses, atOnce } of [
    { uses: 1, atOnce: 50 },
    { uses: 10, atOnce: 50 },
  ])
    test(`${atOnce} hosts at once with a token for ${uses}: exactly ${uses} get in`, async (t) => {
      const lab = await startLab(t);
      const token = await lab.token({ uses });
      const answers = await Promise.all(
        Array.from({ length: atOnce }, (_, i) =>
          lab.ask('POST', '/v1/enroll', { as: token, body: { name: `host-${i}`, publicKey: someKey() } }),
        ),
      );
      assert.equal(answers.filter(({ status }) => status === 201).length, uses);
      assert(answers.every(({ status }) => status === 201 || status === 401 || status === 429));
      const { hosts } = (await lab.ask('GET', '/v1/networks/home/hosts')).read(HostList);
      assert.equal(hosts.length, uses);
      assert.equal(new Set(hosts.flatMap((host) => host.addresses)).size, 2 * uses);
      const [state] = (await lab.ask('GET', '/v1/networks/home/tokens')).read(TokenList).tokens;
      assert.deepEqual([state?.remaining, state?.state], [0, 'used']);
    });

  test('hosts that declare the same route at once: one gets it', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token({ uses: 100, routes: ['172.16.0.0/12'] });
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => {
        const body = { name: `host-${i}`, publicKey: someKey(), routes: ['172.27.88.0/24'] };
        return lab.ask('POST', '/v1/enroll', { as: token, body });
      }),
    );
    assert.equal(answers.filter(({ status }) => status === 201).length, 1);
    for (const answer of answers.filter(({ status }) => status !== 201)) expectProblem('route-overlap', answer);
  });

  test('unknown, used, expired and revoked tokens get the same answer', async (t) => {
    const lab = await startLab(t);
    const used = await lab.token();
    await lab.enrol(used);
    const expired = await lab.token({ expiresIn: 60 });
    const revoked = await lab.token();
    expectStatus(204, await lab.ask('DELETE', `/v1/networks/home/tokens/${revoked.slice(0, 12)}`));
    lab.clock.now += 60_000;
    const unknown = `pgt_${'x'.repeat(43)}`;
    const sameId = `${(await lab.token()).slice(0, 12)}${'x'.repeat(35)}`;
    const bodies = new Set<string>();
    for (const as of [used, expired, revoked, unknown, sameId, 'nonsense', null]) {
      const answer = await lab.ask('POST', '/v1/enroll', { as, body: { name: 'maeve', publicKey: someKey() } });
      const { requestId, ...problem } = expectProblem('unauthorized', expectStatus(401, answer));
      assert.notEqual(requestId, '');
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
      bodies.add(JSON.stringify(problem));
    }
    assert.equal(bodies.size, 1);
  });

  test('a token that is used up is refused before its request is read', async (t) => {
    const lab = await startLab(t);
    const used = await lab.token();
    await lab.enrol(used);
    const bad = { name: 'Not A Name', publicKey: 'none' };
    expectProblem('unauthorized', expectStatus(401, await lab.ask('POST', '/v1/enroll', { as: used, body: bad })));
    expectProblem('invalid', await lab.ask('POST', '/v1/enroll', { as: await lab.token(), body: bad }));
  });

  test('a name or a key that is taken is refused, costs no use and changes nothing', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token({ uses: 2 });
    const teddy = await lab.enrol(token);
    const enrolAgain = (name: string, publicKey: string) =>
      lab.ask('POST', '/v1/enroll', { as: token, body: { name, publicKey } });
    const byName = expectProblem('name-taken', expectStatus(409, await enrolAgain('teddy', someKey())));
    assert.equal(byName.errors?.[0]?.pointer, '#/name');
    const byKey = await enrolAgain('maeve', teddy.host.publicKey);
    expectProblem('key-in-use', expectStatus(409, byKey));
    assert.doesNotMatch(byKey.text, /teddy/);
    expectStatus(200, await lab.ask('GET', '/v1/peers', { as: teddy.hostKey }));
    await lab.enrol(token, { name: 'maeve' });
  });

  test('a token for one name is good for no other', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token({ name: 'teddy' });
    const body = { name: 'maeve', publicKey: someKey() };
    expectProblem('name-not-allowed', expectStatus(403, await lab.ask('POST', '/v1/enroll', { as: token, body })));
    await lab.enrol(token, { name: 'teddy' });
  });

  test('routes that are none, or that somebody has, are refused, and named', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token({ uses: 9, routes: ['172.27.0.0/16', '10.0.0.0/8'] });
    const enrol = (name: string, ...routes: string[]) =>
      lab.ask('POST', '/v1/enroll', { as: token, body: { name, publicKey: someKey(), routes } });
    expectStatus(201, await enrol('charlotte', '172.27.88.0/24'));
    for (const [routes, problem, pointer] of [
      [['172.27.0.0/24', '172.27.0.0/20'], 'invalid', '#/routes/1'],
      [['0.0.0.0/0', '0.0.0.0/0'], 'invalid', '#/routes/1'],
      [['192.168.1.0/24', '172.27.88.0/28'], 'route-overlap', '#/routes/1'],
      [['172.27.88.128/25'], 'route-overlap', '#/routes/0'],
      [['172.27.80.0/20'], 'route-overlap', '#/routes/0'],
      [['10.1.0.0/16'], 'route-overlap', '#/routes/0'],
      [['172.27.1.5/24'], 'invalid', '#/routes/0'],
      [['172.27.300.0/24'], 'invalid', '#/routes/0'],
    ] as const)
      assert.equal(
        expectProblem(problem, await enrol('teddy', ...routes)).errors?.[0]?.pointer,
        pointer,
        routes.join(),
      );
    const { peers } = expectStatus(
      201,
      await lab.ask('POST', '/v1/enroll', {
        as: token,
        body: { name: 'maeve', publicKey: someKey() },
        headers: { accept: 'application/json' },
      }),
    ).read(Enrolled);
    assert.equal(peers[0]?.allowedIps.at(-1), '172.27.88.0/24');
  });

  test('a full network refuses, and an address rests before it is given again', async (t) => {
    const lab = await startLab(t);
    const tiny = { name: 'tiny', ranges: ['10.9.9.0/30'] };
    expectStatus(201, await lab.ask('POST', '/v1/networks', { body: tiny }));
    const add = (name: string) => lab.ask('POST', '/v1/networks/tiny/hosts', { body: { name, publicKey: someKey() } });
    const addresses = [await add('a'), await add('b')].map((answer) => answer.read(Enrolled).host.addresses[0]);
    assert.deepEqual(new Set(addresses), new Set(['10.9.9.1/30', '10.9.9.2/30']));
    expectProblem('network-full', expectStatus(409, await add('c')));
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/tiny/hosts/a'));
    expectProblem('network-full', await add('c'));
    lab.clock.now += 8 * 86_400_000;
    expectStatus(201, await add('c'));
  });

  test('what is left out of a network is chosen, and no two overlap', async (t) => {
    const lab = await startLab(t);
    for (const name of ['a', 'b', 'c']) expectStatus(201, await lab.ask('POST', '/v1/networks', { body: { name } }));
    const { networks } = (await lab.ask('GET', '/v1/networks')).read(NetworkList);
    for (const { ranges, listenPort, suffix } of networks.filter(({ name }) => name !== 'home')) {
      assert.match(ranges[0]!, /^10\.\d+\.\d+\.0\/24$/);
      assert.match(ranges[1]!, /^fd[0-9a-f:]+::\/64$/);
      assert(listenPort >= 49152);
      assert.match(suffix, /\.internal$/);
    }
    const body = { name: 'd', ranges: ['10.1.0.0/16'] };
    expectProblem('range-overlap', expectStatus(409, await lab.ask('POST', '/v1/networks', { body })));
    expectProblem('name-taken', await lab.ask('POST', '/v1/networks', { body: { name: 'a' } }));
  });
});
