/** Routes that wait for an administrator, and exits. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { DEAD_END_KEY } from '../../src/config/dead-end.ts';
import { FORMAT_NAMES } from '../../src/registry/render/formats.ts';
import { AuditList } from '../../src/registry/wire-audit.ts';
import { HostConfig, HostList, HostView, PeerList, type EnrolRequest } from '../../src/registry/wire.ts';
import { expectProblem, expectStatus, someKey, startLab } from './lab.ts';

const HOSTS = '/v1/networks/home/hosts';
const EXIT = ['0.0.0.0/0', '::/0'];

async function start(t: TestContext) {
  const lab = await startLab(t);
  const token = await lab.token({ uses: 100, routes: ['172.27.0.0/16'] });
  const enrol = (name: string, facts: Partial<EnrolRequest> = {}) => lab.enrol(token, { name, ...facts });
  const tryEnrol = (name: string, facts: Partial<EnrolRequest>) =>
    lab.ask('POST', '/v1/enroll', { as: token, body: { name, publicKey: someKey(), ...facts } });
  const view = async (name: string) => expectStatus(200, await lab.ask('GET', `${HOSTS}/${name}`)).read(HostView);
  const patch = async (name: string, body: object) =>
    lab.ask('PATCH', `${HOSTS}/${name}`, { body, headers: { 'if-match': `"${(await view(name)).version}"` } });
  const say = (as: { hostKey: string }, body: object) => lab.ask('PATCH', '/v1/self', { as: as.hostKey, body });
  const peers = async (as: { hostKey: string }, since?: number) => {
    const query = since === undefined ? '' : `?since=${since}`;
    return expectStatus(200, await lab.ask('GET', `/v1/peers${query}`, { as: as.hostKey })).read(PeerList);
  };
  /** What lies behind `name` for that host, without the addresses of `name` itself. */
  const behind = async (as: { hostKey: string }, name: string) =>
    (await peers(as)).peers
      .find((peer) => peer.name === name)
      ?.allowedIps.filter((route) => !route.startsWith('10.1.2.') && !route.startsWith('fd00:1:2:3:'));
  /** A host that is an exit, by the word of the administrator. */
  const addExit = async (name: string) => {
    const exit = await enrol(name, { routes: EXIT });
    expectStatus(200, await patch(name, { routes: EXIT }));
    return exit;
  };
  return { lab, enrol, tryEnrol, view, patch, say, peers, behind, addExit };
}

describe('a route that the token does not allow', () => {
  test('waits, and counts from the moment at which an administrator approves it', async (t) => {
    const { lab, enrol, view, patch, peers, behind } = await start(t);
    const maeve = await enrol('maeve');
    const charlotte = await enrol('charlotte', { routes: ['172.27.88.0/24', '192.168.7.0/24', '192.168.9.0/24'] });
    assert.deepEqual(charlotte.host.routes, ['172.27.88.0/24']);
    assert.deepEqual(charlotte.host.requestedRoutes, ['192.168.7.0/24', '192.168.9.0/24']);
    assert.deepEqual((await view('charlotte')).requestedRoutes, ['192.168.7.0/24', '192.168.9.0/24']);
    assert.deepEqual(await behind(maeve, 'charlotte'), ['172.27.88.0/24']);
    const { version } = await peers(maeve);
    const routes = ['172.27.88.0/24', '192.168.0.0/21'];
    const approved = expectStatus(200, await patch('charlotte', { routes })).read(HostView);
    assert.deepEqual([approved.routes, approved.requestedRoutes], [routes, ['192.168.9.0/24']]);
    const news = await peers(maeve, version);
    assert.deepEqual([news.full, news.peers.map(({ name }) => name)], [false, ['charlotte']]);
    assert.deepEqual(await behind(maeve, 'charlotte'), routes);
    const { entries } = (await lab.ask('GET', '/v1/audit?target=charlotte')).read(AuditList);
    assert.deepEqual(
      entries.map(({ action, detail }) => [action, detail]),
      [
        ['host.change', { routes }],
        ['host.enrol', { requestedRoutes: ['192.168.7.0/24', '192.168.9.0/24'] }],
      ],
    );
  });

  test('is refused by leaving it out; one that nobody asked for cannot be made to wait', async (t) => {
    const { enrol, patch } = await start(t);
    await enrol('charlotte', { routes: ['192.168.7.0/24', '192.168.9.0/24'] });
    const unasked = { requestedRoutes: ['192.168.9.0/24', '192.168.1.0/24'] };
    assert.equal(
      expectProblem('invalid', await patch('charlotte', unasked)).errors?.[0]?.pointer,
      '#/requestedRoutes/1',
    );
    const left = expectStatus(200, await patch('charlotte', { requestedRoutes: ['192.168.9.0/24'] })).read(HostView);
    assert.deepEqual([left.routes, left.requestedRoutes], [[], ['192.168.9.0/24']]);
    const none = expectStatus(200, await patch('charlotte', { requestedRoutes: [] })).read(HostView);
    assert.deepEqual([none.routes, none.requestedRoutes], [[], []]);
  });

  test('may be declared later; what was approved stays, and what is taken back has to be approved again', async (t) => {
    const { lab, enrol, view, patch, say, peers, behind } = await start(t);
    const maeve = await enrol('maeve');
    const charlotte = await enrol('charlotte', { routes: ['172.27.88.0/24'] });
    const { version } = await peers(maeve);
    const both = ['172.27.88.0/24', '192.168.7.0/24'];
    const answer = expectStatus(200, await say(charlotte, { routes: both })).read(HostConfig);
    assert.deepEqual([answer.host.routes, answer.host.requestedRoutes], [both.slice(0, 1), both.slice(1)]);
    // Nobody else sees anything of it; the host itself does.
    const quiet = await peers(maeve, version);
    assert.deepEqual([quiet.full, quiet.peers, quiet.removed], [false, [], []]);
    assert.equal((await peers(charlotte, version)).full, true);
    const etag = (await lab.ask('GET', '/v1/config', { as: charlotte.hostKey })).headers.get('etag')!;
    assert.deepEqual(
      expectStatus(200, await say(charlotte, { routes: both })).read(HostConfig).version,
      answer.version,
    );
    expectStatus(
      304,
      await lab.ask('GET', '/v1/config', { as: charlotte.hostKey, headers: { 'if-none-match': etag } }),
    );
    expectStatus(200, await patch('charlotte', { routes: both }));
    assert.deepEqual(await behind(maeve, 'charlotte'), both);
    expectStatus(200, await say(charlotte, { routes: ['192.168.7.128/25'] }));
    assert.deepEqual(await behind(maeve, 'charlotte'), ['192.168.7.128/25']);
    expectStatus(200, await say(charlotte, { routes: both }));
    assert.deepEqual((await view('charlotte')).requestedRoutes, both);
    assert.deepEqual(await behind(maeve, 'charlotte'), []);
  });

  test('is refused when it overlaps the network or a route that counts, at the request and at the approval', async (t) => {
    const { enrol, tryEnrol, patch, say, view } = await start(t);
    await enrol('charlotte', { routes: ['172.27.88.0/24'] });
    for (const route of ['172.27.88.0/25', '10.0.0.0/8', '172.16.0.0/12']) {
      expectProblem('route-overlap', expectStatus(409, await tryEnrol('teddy', { routes: [route] })));
    }
    const [teddy] = [
      await enrol('teddy', { routes: ['192.168.7.0/24'] }),
      await enrol('maeve', { routes: ['192.168.0.0/16'] }),
    ];
    expectProblem('route-overlap', await say(teddy, { routes: ['192.168.7.0/24', '172.27.88.128/25'] }));
    // Both may ask; whoever is approved first has it.
    expectStatus(200, await patch('teddy', { routes: ['192.168.7.0/24'] }));
    const late = expectProblem(
      'route-overlap',
      expectStatus(409, await patch('maeve', { routes: ['192.168.0.0/16'] })),
    );
    assert.equal(late.errors?.[0]?.pointer, '#/routes/0');
    assert.deepEqual((await view('maeve')).requestedRoutes, ['192.168.0.0/16']);
  });

  test('tells nothing of what lies behind hosts that are out of sight, before it is approved', async (t) => {
    const { lab, enrol, tryEnrol, patch, say, view } = await start(t);
    await enrol('charlotte', { routes: ['172.27.88.0/24'] });
    expectStatus(200, await patch('charlotte', { routes: ['172.27.88.0/24', '192.168.7.0/24'] }));
    const teddy = await enrol('teddy');
    const headers = { 'if-match': '"1"' };
    expectStatus(200, await lab.ask('PATCH', '/v1/networks/home', { body: { rules: [] }, headers }));
    for (const routes of [['192.168.7.0/24'], ['192.168.0.0/16'], ['192.168.8.0/24']])
      expectStatus(200, await say(teddy, { routes }));
    const open = await lab.token();
    await lab.enrol(open, { name: 'maeve', routes: ['192.168.7.0/25'] });
    assert.deepEqual((await view('maeve')).requestedRoutes, ['192.168.7.0/25']);
    expectProblem('route-overlap', expectStatus(409, await patch('maeve', { routes: ['192.168.7.0/25'] })));
    // What a token lets in counts at once.
    expectProblem('route-overlap', expectStatus(409, await tryEnrol('bernard', { routes: ['172.27.88.0/28'] })));
  });

  test('is shown to administrators only, and asks for no more than a list of prefixes', async (t) => {
    const { lab, enrol, say, peers } = await start(t);
    const charlotte = await enrol('charlotte', { routes: ['192.168.7.0/24'] });
    const maeve = await enrol('maeve');
    assert.doesNotMatch(JSON.stringify(await peers(maeve)), /192\.168\.7\.0/);
    for (const format of FORMAT_NAMES) {
      const { text } = await lab.ask('GET', `/v1/config?format=${format}`, { as: maeve.hostKey });
      assert.doesNotMatch(text, /192\.168\.7\.0/, format);
    }
    expectProblem('invalid', await say(charlotte, { routes: ['192.168.7.1/24'] }));
    expectProblem('invalid', await say(charlotte, { tags: ['servers'] }));
    expectProblem('invalid', await say(charlotte, { routes: Array(65).fill('192.168.7.0/24') }));
  });

  test('requests that come at once are all kept or told to come again', async (t) => {
    const { enrol, say, view } = await start(t);
    const hosts = await Promise.all(Array.from({ length: 6 }, (_, i) => enrol(`host-${i}`)));
    const asked = await Promise.all(hosts.map((host, i) => say(host, { routes: [`192.168.${i}.0/24`] })));
    for (const [i, { status }] of asked.entries()) {
      assert([200, 503].includes(status), `${status}`);
      const { requestedRoutes } = await view(`host-${i}`);
      assert.deepEqual(requestedRoutes, status === 200 ? [`192.168.${i}.0/24`] : []);
    }
  });
});

describe('an exit', () => {
  test('is approved like a route, offered by several hosts, and there only for who has chosen it', async (t) => {
    const { enrol, say, behind, peers, addExit, view } = await start(t);
    const [teddy, maeve] = [await enrol('teddy'), await enrol('maeve')];
    await addExit('berlin');
    await addExit('paris');
    for (const exit of ['berlin', 'paris']) assert.deepEqual(await behind(teddy, exit), []);
    const { version } = await peers(maeve);
    const chosen = expectStatus(200, await say(teddy, { exit: 'berlin' })).read(HostConfig);
    assert.equal(chosen.host.exit, 'berlin');
    assert.equal((await view('teddy')).exit, 'berlin');
    assert.deepEqual(await behind(teddy, 'berlin'), EXIT);
    assert.deepEqual(await behind(teddy, 'paris'), []);
    assert.deepEqual(await behind(maeve, 'berlin'), []);
    assert.deepEqual((await peers(maeve, version)).peers, []);
    expectStatus(200, await say(teddy, { exit: 'paris' }));
    assert.deepEqual([await behind(teddy, 'berlin'), await behind(teddy, 'paris')], [[], EXIT]);
    const none = expectStatus(200, await say(teddy, { exit: null })).read(HostConfig);
    assert.equal(none.host.exit, null);
    assert.deepEqual(await behind(teddy, 'paris'), []);
  });

  test('may be chosen with the enrolment, and by an administrator', async (t) => {
    const { lab, enrol, patch, behind, addExit } = await start(t);
    await addExit('berlin');
    const teddy = await enrol('teddy', { exit: 'berlin' });
    assert.equal(teddy.host.exit, 'berlin');
    assert.deepEqual(teddy.peers[0]?.allowedIps.slice(-2), EXIT);
    const maeve = await enrol('maeve');
    expectStatus(200, await patch('maeve', { exit: 'berlin' }));
    assert.deepEqual(await behind(maeve, 'berlin'), EXIT);
    const { hosts } = (await lab.ask('GET', HOSTS)).read(HostList);
    assert.deepEqual(
      hosts.map(({ name, exit }) => [name, exit]),
      [
        ['berlin', null],
        ['maeve', 'berlin'],
        ['teddy', 'berlin'],
      ],
    );
    const form = { name: 'arnold', publicKey: someKey(), exit: 'berlin' };
    const text = expectStatus(201, await lab.ask('POST', '/v1/enroll', { as: await lab.token(), form })).text;
    assert.match(text, /^AllowedIPs = .*, 0\.0\.0\.0\/0, ::\/0$/m);
  });

  test('stands as a default route in each format of who has chosen it, and in none of another host', async (t) => {
    const { lab, enrol, addExit } = await start(t);
    const berlin = await addExit('berlin');
    const [teddy, maeve] = [await enrol('teddy', { exit: 'berlin' }), await enrol('maeve')];
    for (const format of FORMAT_NAMES.filter((name) => !['hosts', 'zone', 'network'].includes(name))) {
      const ask = async (as: { hostKey: string }) =>
        expectStatus(200, await lab.ask('GET', `/v1/config?format=${format}`, { as: as.hostKey })).text;
      const lines = (text: string) => text.slice(text.indexOf(berlin.host.publicKey));
      assert.match(lines(await ask(teddy)), /0\.0\.0\.0\/0/, format);
      assert.match(lines(await ask(teddy)), /::\/0/, format);
      assert.doesNotMatch(await ask(maeve), /0\.0\.0\.0\/0|[^:0-9a-f]::\/0/, format);
    }
  });

  test('that is gone is closed in each format of who has chosen it, until somebody chooses again', async (t) => {
    const { lab, enrol, say, view, patch, peers, addExit } = await start(t);
    await addExit('berlin');
    const teddy = await enrol('teddy', { exit: 'berlin' });
    const maeve = await enrol('maeve', { exit: 'berlin' });
    // A host may be called so; nobody takes it for the other, nor the other for it.
    const namesake = await enrol('no-exit');
    const config = (as: { hostKey: string }, format: string) =>
      lab.ask('GET', `/v1/config?format=${format}`, { as: as.hostKey });
    const text = async (as: { hostKey: string }, format: string) => expectStatus(200, await config(as, format)).text;
    const read = async (as: { hostKey: string }) => expectStatus(200, await config(as, 'json')).read(HostConfig);
    const closed = async (as: { hostKey: string }) =>
      (await read(as)).peers.filter(({ publicKey }) => publicKey === DEAD_END_KEY);
    assert.deepEqual(await closed(teddy), []);
    const etag = (await config(teddy, 'wg-quick')).headers.get('etag')!;
    expectStatus(204, await lab.ask('DELETE', `${HOSTS}/berlin`));
    const [nobody, ...more] = await closed(teddy);
    assert.deepEqual([nobody?.allowedIps, nobody?.endpoint, nobody?.name, more], [EXIT, null, 'no-exit-0', []]);
    assert.equal((await read(teddy)).host.exit, null);
    const headers = { 'if-none-match': etag };
    expectStatus(200, await lab.ask('GET', '/v1/config?format=wg-quick', { as: teddy.hostKey, headers }));
    for (const format of FORMAT_NAMES.filter((name) => !['hosts', 'zone', 'network'].includes(name))) {
      const section = (await text(teddy, format)).split(DEAD_END_KEY)[1] ?? '';
      assert.match(section, /0\.0\.0\.0\/0/, format);
      assert.match(section, /::\/0/, format);
    }
    assert.match(await text(teddy, 'network'), /^Destination=0\.0\.0\.0\/0$/m);
    for (const format of ['hosts', 'zone']) assert.doesNotMatch(await text(teddy, format), /no-exit-0/, format);
    // An agent closes it by itself, by the choice that its host keeps.
    assert.doesNotMatch(JSON.stringify(await peers(teddy)), /no-exit-0/);
    assert.deepEqual(await closed(namesake), []);
    await lab.ask('POST', `${HOSTS}/berlin/restore`);
    assert.equal((await closed(teddy)).length, 1);
    expectStatus(200, await say(teddy, { exit: null }));
    assert.deepEqual(await closed(teddy), []);
    expectStatus(200, await patch('maeve', { exit: 'berlin' }));
    assert.deepEqual([await closed(maeve), (await view('maeve')).exit], [[], 'berlin']);
  });

  test('is closed, too, when it is approved no more, and in the family alone that it offered', async (t) => {
    const { lab, enrol, patch, addExit } = await start(t);
    await addExit('berlin');
    const closed = async (as: { hostKey: string }) =>
      expectStatus(200, await lab.ask('GET', '/v1/config?format=json', { as: as.hostKey }))
        .read(HostConfig)
        .peers.filter(({ publicKey }) => publicKey === DEAD_END_KEY)
        .map(({ allowedIps }) => allowedIps);
    const teddy = await enrol('teddy', { exit: 'berlin' });
    expectStatus(200, await patch('berlin', { routes: [] }));
    assert.deepEqual(await closed(teddy), [EXIT]);
    expectStatus(200, await patch('berlin', { routes: ['0.0.0.0/0'] }));
    assert.deepEqual(await closed(teddy), [['::/0']]);
    // Who chooses now has never had a route of the other family through it.
    const maeve = await enrol('maeve', { exit: 'berlin' });
    assert.deepEqual(await closed(maeve), []);
    expectStatus(204, await lab.ask('DELETE', `${HOSTS}/berlin`));
    assert.deepEqual([await closed(teddy), await closed(maeve)], [[EXIT], [['0.0.0.0/0']]]);
  });

  test('that takes back one of its two families leaves that one closed, until it offers it again or is chosen anew', async (t) => {
    const { lab, enrol, patch, say, view, addExit } = await start(t);
    const berlin = await addExit('berlin');
    const [teddy, maeve] = [await enrol('teddy', { exit: 'berlin' }), await enrol('maeve', { exit: 'berlin' })];
    const config = async (as: { hostKey: string }, etag = '') =>
      lab.ask('GET', '/v1/config?format=json', { as: as.hostKey, headers: { 'if-none-match': etag } });
    const routesOf = async (as: { hostKey: string }, name: string) =>
      expectStatus(200, await config(as))
        .read(HostConfig)
        .peers.filter((peer) => peer.name === name)
        .flatMap(({ allowedIps }) => allowedIps.filter((route) => route.endsWith('/0')));
    const etag = (await config(teddy)).headers.get('etag')!;
    // By its own word, as by the administrator's.
    expectStatus(200, await say(berlin, { routes: ['::/0'] }));
    expectStatus(200, await config(teddy, etag));
    assert.deepEqual([await routesOf(teddy, 'berlin'), await routesOf(teddy, 'no-exit')], [['::/0'], ['0.0.0.0/0']]);
    const { exit, exitClosed } = await view('teddy');
    assert.deepEqual([exit, exitClosed], ['berlin', ['0.0.0.0/0']]);
    expectStatus(200, await say(maeve, { exit: 'berlin' }));
    assert.deepEqual([await routesOf(maeve, 'no-exit'), (await view('maeve')).exitClosed], [[], []]);
    expectStatus(200, await patch('berlin', { routes: EXIT }));
    assert.deepEqual([await routesOf(teddy, 'berlin'), await routesOf(teddy, 'no-exit')], [EXIT, []]);
    assert.deepEqual((await view('teddy')).exitClosed, []);
  });

  test('that there is not, that is out of sight, not approved, or the host itself is refused alike', async (t) => {
    const { lab, enrol, tryEnrol, patch, say, addExit } = await start(t);
    await addExit('berlin');
    const hidden = await lab.token({ tags: ['hidden'], routes: EXIT });
    await lab.enrol(hidden, { name: 'paris', routes: EXIT });
    await enrol('rome', { routes: EXIT });
    await enrol('oslo');
    const teddy = await enrol('teddy');
    const network = '/v1/networks/home';
    const rules = [
      { from: ['hidden'], to: ['hidden'] },
      { from: ['open'], to: ['open'] },
    ];
    const headers = { 'if-match': '"1"' };
    expectStatus(200, await lab.ask('PATCH', network, { body: { rules }, headers }));
    for (const name of ['berlin', 'teddy']) expectStatus(200, await patch(name, { tags: ['open'] }));
    expectStatus(200, await patch('rome', { tags: ['open'] }));
    const details = new Set<string>();
    for (const exit of ['paris', 'rome', 'oslo', 'nowhere', 'teddy']) {
      const refused = expectProblem('no-such-exit', expectStatus(409, await say(teddy, { exit })));
      assert.equal(refused.errors?.[0]?.pointer, '#/exit');
      details.add(refused.detail.replaceAll(exit, 'X'));
      expectProblem('no-such-exit', expectStatus(409, await patch('teddy', { exit })));
      if (exit !== 'teddy') expectProblem('no-such-exit', await tryEnrol('maeve', { exit }));
    }
    assert.equal(details.size, 1);
    expectStatus(200, await say(teddy, { exit: 'berlin' }));
  });

  test('is given up by who used it when it is removed, and does not come back with it', async (t) => {
    const { lab, enrol, say, view, peers, behind, addExit } = await start(t);
    const berlin = await addExit('berlin');
    const [teddy, maeve] = [await enrol('teddy', { exit: 'berlin' }), await enrol('maeve')];
    const { version } = await peers(teddy);
    expectStatus(204, await lab.ask('DELETE', `${HOSTS}/berlin`));
    const shown = async () => {
      const { exit, exitClosed } = await view('teddy');
      return [exit, exitClosed];
    };
    assert.deepEqual(await shown(), ['berlin', EXIT]);
    assert.equal((await peers(teddy, version)).full, true);
    const news = await peers(maeve, version);
    assert.deepEqual([news.full, news.removed], [false, [berlin.host.publicKey]]);
    expectStatus(200, await lab.ask('POST', `${HOSTS}/berlin/restore`));
    assert.deepEqual(await shown(), ['berlin', EXIT]);
    assert.deepEqual(await behind(teddy, 'berlin'), []);
    expectStatus(200, await say(teddy, { exit: 'berlin' }));
    assert.deepEqual(await behind(teddy, 'berlin'), EXIT);
    assert.deepEqual(await shown(), ['berlin', []]);
  });

  test('is given up, too, when it went by itself', async (t) => {
    const { lab, enrol, view, patch } = await start(t);
    const ephemeral = await lab.token({ ephemeral: true, routes: EXIT });
    const berlin = await lab.enrol(ephemeral, { name: 'berlin', routes: EXIT });
    assert.deepEqual(berlin.host.routes, EXIT);
    expectStatus(200, await lab.ask('GET', '/v1/peers', { as: berlin.hostKey }));
    await enrol('teddy', { exit: 'berlin' });
    assert.equal((await view('teddy')).exit, 'berlin');
    assert.deepEqual((await view('teddy')).exitClosed, []);
    lab.clock.now += 3_600_001;
    assert.deepEqual((await view('teddy')).exitClosed, EXIT);
    expectProblem('no-such-exit', await patch('teddy', { exit: 'berlin' }));
  });

  test('no longer approved leads nowhere; a token with one allows no subnet by it, nor the other way round', async (t) => {
    const { lab, enrol, patch, behind, addExit } = await start(t);
    await addExit('berlin');
    const teddy = await enrol('teddy', { exit: 'berlin' });
    const { version } = (await lab.ask('GET', '/v1/peers', { as: teddy.hostKey })).read(PeerList);
    expectStatus(200, await patch('berlin', { routes: ['0.0.0.0/0'] }));
    assert.deepEqual(await behind(teddy, 'berlin'), ['0.0.0.0/0']);
    expectStatus(200, await patch('berlin', { routes: [] }));
    assert.deepEqual(await behind(teddy, 'berlin'), []);
    const news = (await lab.ask('GET', `/v1/peers?since=${version}`, { as: teddy.hostKey })).read(PeerList);
    const told = news.peers.map(({ name }) => name);
    assert.deepEqual(told, ['berlin']);
    const wide = await lab.token({ uses: 2, routes: EXIT });
    const paris = await lab.enrol(wide, { name: 'paris', routes: ['0.0.0.0/0', '192.168.7.0/24'] });
    assert.deepEqual([paris.host.routes, paris.host.requestedRoutes], [['0.0.0.0/0'], ['192.168.7.0/24']]);
  });
});
