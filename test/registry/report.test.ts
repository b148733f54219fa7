/** Reports: hosts with a dynamic address are found by what others see. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HostView, PeerList, Reported } from '../../src/registry/wire.ts';
import { expectProblem, expectStatus, someKey, startLab } from './lab.ts';

const SEEN = { v4: '198.51.100.20:40123', v6: '[2001:db8::7]:40124', newV4: '198.51.100.21:1' };

async function startTrio(t: Parameters<typeof startLab>[0]) {
  const lab = await startLab(t);
  const token = await lab.token({ uses: 3 });
  const dolores = await lab.enrol(token, { name: 'dolores', endpoint: '203.0.113.54:51000' });
  const charlotte = await lab.enrol(token, { name: 'charlotte' });
  const teddy = await lab.enrol(token, { name: 'teddy' });
  const seconds = lab.clock.now / 1000;
  /** What `as` says of others, handshakes as seconds before now; gives the version after it. */
  const say = async (
    as: { hostKey: string },
    ...seen: [of: { host: { publicKey: string } }, endpoint: string, ago: number][]
  ) => {
    const observed = seen.map(([of, endpoint, ago]) => ({
      publicKey: of.host.publicKey,
      endpoint,
      latestHandshake: seconds - ago,
    }));
    const answer = await lab.ask('POST', '/v1/report', { as: as.hostKey, body: { observed } });
    return expectStatus(200, answer).read(Reported).version;
  };
  const endpointOf = async (name: string) =>
    (await lab.ask('GET', `/v1/networks/home/hosts/${name}`)).read(HostView).observedEndpoint;
  return { lab, dolores, charlotte, teddy, say, endpointOf };
}

describe('reports', () => {
  test('what one host sees of another, the third gets to know', async (t) => {
    const { lab, dolores, charlotte, teddy, say } = await startTrio(t);
    const before = teddy.version;
    const version = await say(dolores, [charlotte, '198.51.100.20:40123', 10], [teddy, '[2001:db8::7]:40124', 10]);
    assert.equal(version, before + 1);
    const list = (await lab.ask('GET', `/v1/peers?since=${before}`, { as: charlotte.hostKey })).read(PeerList);
    const teddySeen = list.peers.find((peer) => peer.name === 'teddy');
    assert.equal(teddySeen?.endpoint, '[2001:db8::7]:40124');
  });

  test('the same again writes nothing, and the version stays', async (t) => {
    const { dolores, charlotte, say } = await startTrio(t);
    const version = await say(dolores, [charlotte, '198.51.100.20:40123', 10]);
    assert.equal(await say(dolores, [charlotte, '198.51.100.20:40123', 5]), version);
    assert.equal(await say(dolores), version);
  });

  test('the most recent handshake wins, in whatever order reports come', async (t) => {
    const { dolores, charlotte, teddy, say, endpointOf } = await startTrio(t);
    const version = await say(dolores, [charlotte, '198.51.100.20:1000', 50]);
    assert.equal(await say(teddy, [charlotte, '198.51.100.99:1000', 100]), version);
    assert.equal(await endpointOf('charlotte'), '198.51.100.20:1000');
    await say(teddy, [charlotte, '198.51.100.99:1000', 20]);
    assert.equal(await endpointOf('charlotte'), '198.51.100.99:1000');
  });

  test('nobody can speak of itself, of a host that knows its own endpoint, or of strangers', async (t) => {
    const { lab, dolores, charlotte, say } = await startTrio(t);
    expectStatus(201, await lab.ask('POST', '/v1/networks', { body: { name: 'work' } }));
    const outside = await lab.ask('POST', '/v1/networks/work/tokens', { body: {} });
    const { token } = JSON.parse(outside.text) as { token: string };
    const stranger = await lab.enrol(token, { name: 'stranger' });
    const version = await say(charlotte, [charlotte, '198.51.100.1:1', 1], [dolores, '198.51.100.2:1', 1]);
    assert.equal(version, await say(charlotte, [stranger, '198.51.100.3:1', 1]));
    assert.equal(await say(stranger, [charlotte, '198.51.100.4:1', 1]), stranger.version);
    assert.equal(version, await say(dolores));
  });

  test('what cannot be true or cannot help is ignored', async (t) => {
    const { dolores, charlotte, say, endpointOf } = await startTrio(t);
    const lan = await say(dolores, [charlotte, '192.168.1.5:51000', 30]);
    assert.equal(await endpointOf('charlotte'), '192.168.1.5:51000');
    const known = await say(dolores, [charlotte, '198.51.100.20:1000', 25]);
    assert.equal(known, lan + 1);
    const useless = ['192.168.1.5:51000', '10.1.2.9:51000', 'charlotte.example.net:1', '198.51.100.20:0', '(none)', ''];
    for (const endpoint of useless) assert.equal(await say(dolores, [charlotte, endpoint, 5]), known, endpoint);
    for (const ago of [-3600, 1e9 * 2]) assert.equal(await say(dolores, [charlotte, '198.51.100.21:1', ago]), known);
    assert.equal(await endpointOf('charlotte'), '198.51.100.20:1000');
  });

  test('one key ten thousand times costs no more than once: its most recent handshake counts', async (t) => {
    const { dolores, charlotte, teddy, say, endpointOf } = await startTrio(t);
    // Each handshake once, in no order.
    const many = Array.from({ length: 9_999 }, (_, i): [typeof charlotte, string, number] => {
      return [charlotte, `198.51.${i >> 8}.${i & 255}:1`, 1 + ((i * 7) % 9_999)];
    });
    const before = teddy.version;
    // A batch of ten thousand statements would take seconds, in which nobody else is answered: service/report.test.ts counts them.
    assert.equal(await say(dolores, ...many, [teddy, '203.0.113.9:9', 5]), before + 1);
    assert.equal(await endpointOf('charlotte'), many.find(([, , ago]) => ago === 1)?.[1]);
    assert.equal(await endpointOf('teddy'), '203.0.113.9:9');
  });

  test('an address inside of the VPN, or that nobody can send to, is no endpoint', async (t) => {
    const { dolores, charlotte, teddy, say, endpointOf } = await startTrio(t);
    for (const endpoint of ['10.1.2.9:51000', '[fd00:1:2:3::9]:51000', '127.0.0.1:1', '0.0.0.0:1', '255.255.255.255:1'])
      assert.equal(await say(dolores, [charlotte, endpoint, 5]), teddy.version, endpoint);
    for (const endpoint of ['224.0.0.1:1', '[::]:1', '[::1]:1', '[ff02::1]:1', '[::ffff:127.0.0.1]:1'])
      assert.equal(await say(dolores, [charlotte, endpoint, 5]), teddy.version, endpoint);
    assert.equal(await endpointOf('charlotte'), null);
    await say(dolores, [charlotte, '[::ffff:198.51.100.7]:4000', 5]);
    assert.equal(await endpointOf('charlotte'), '198.51.100.7:4000');
  });

  test('the freshest of each family is kept, and a host hears the one of a family that it has itself', async (t) => {
    const { lab, dolores, charlotte, teddy, say } = await startTrio(t);
    const seenBy = async (as: { hostKey: string }) =>
      (await lab.ask('GET', '/v1/peers', { as: as.hostKey }))
        .read(PeerList)
        .peers.find((peer) => peer.name === 'charlotte')?.endpoint;
    await say(dolores, [charlotte, SEEN.v6, 50]);
    const both = await say(dolores, [charlotte, SEEN.v4, 40]);
    // Nobody knows which families teddy has: what was seen last.
    assert.equal(await seenBy(teddy), SEEN.v4);
    // dolores has said that it is at an address of IPv4.
    assert.equal(await seenBy(dolores), SEEN.v4);
    // And teddy is seen at IPv6: from now on it hears of that.
    await say(dolores, [teddy, '[2001:db8::9]:9', 30]);
    assert.equal(await seenBy(teddy), SEEN.v6);
    const view = (await lab.ask('GET', '/v1/networks/home/hosts/charlotte')).read(HostView);
    assert.deepEqual([view.observedEndpoint, view.otherEndpoint], [SEEN.v6, SEEN.v4]);
    // Each family by itself: what is old in one of them writes nothing, whatever is newer in the other.
    assert.equal(await say(teddy, [charlotte, SEEN.newV4, 45]), both + 1);
    assert.equal(await say(teddy, [charlotte, SEEN.v6, 1], [charlotte, SEEN.v4, 2]), both + 1);
    await say(teddy, [charlotte, SEEN.newV4, 20]);
    assert.equal(await seenBy(dolores), SEEN.newV4);
    assert.equal(await seenBy(teddy), SEEN.v6);
  });

  test('a family in which nobody sees a host any more gives way to the other, after hours', async (t) => {
    const { lab, charlotte, dolores, teddy, say } = await startTrio(t);
    const heard = async () => {
      const list = (await lab.ask('GET', '/v1/peers', { as: charlotte.hostKey })).read(PeerList);
      return list.peers.find(({ name }) => name === 'teddy')?.endpoint;
    };
    await say(dolores, [charlotte, SEEN.newV4, 9], [teddy, SEEN.v4, 9]);
    await say(dolores, [charlotte, '[2001:db8::8]:1', 8], [teddy, SEEN.v6, 8]);
    const [version, hour] = [await say(dolores), 3600];
    assert.equal(await heard(), SEEN.v6);
    lab.clock.now += 7000 * hour;
    assert.equal(await say(dolores, [teddy, SEEN.v4, -5 * hour]), version, 'it may be seen again in both');
    assert.equal(await heard(), SEEN.v6);
    // Versions are times.
    const changed = await say(dolores, [teddy, SEEN.v4, -7 * hour]);
    assert.equal(changed, lab.clock.now);
    assert.equal(await heard(), SEEN.v4);
    assert.equal(await say(dolores, [teddy, SEEN.v4, -7 * hour + 60]), changed, 'once');
    assert.equal(await say(dolores, [teddy, SEEN.v6, -7 * hour + 60]), changed);
  });

  test('the name that a host says of itself stands, whatever is seen of it', async (t) => {
    const { lab, dolores, say } = await startTrio(t);
    const token = await lab.token();
    const maeve = await lab.enrol(token, { name: 'maeve', endpoint: 'Maeve.Example.NET:51000' });
    assert.equal(await say(dolores, [maeve, SEEN.v4, 5], [maeve, SEEN.v6, 4]), maeve.version);
    const { peers } = (await lab.ask('GET', '/v1/peers', { as: dolores.hostKey })).read(PeerList);
    assert.equal(peers.find(({ name }) => name === 'maeve')?.endpoint, 'maeve.example.net:51000');
  });

  test('may be what wg show dump prints, whole or without what is nobody else’s business', async (t) => {
    const { lab, dolores, charlotte, teddy, endpointOf } = await startTrio(t);
    const now = lab.clock.now / 1000;
    const peer = (of: typeof charlotte, endpoint: string, ago: number, psk = '(none)') =>
      [of.host.publicKey, psk, endpoint, '10.1.2.9/32', now - ago, 1, 2, 25].join('\t');
    const send = (text: string, type = 'application/x-www-form-urlencoded') =>
      lab.ask('POST', '/v1/report', {
        as: dolores.hostKey,
        headers: { 'content-type': type },
        body: text,
      });
    const own = ['PRIVATE', dolores.host.publicKey, 51999, 'off'];
    const secret = `${'k'.repeat(43)}=`;
    const whole = [
      `wg0\t${own.join('\t').replace('PRIVATE', secret)}`,
      `wg0\t${peer(charlotte, SEEN.v4, 20, secret)}`,
      `wg0\t${peer(teddy, '(none)', 20)}`,
      `wg1\t(none)\t${someKey()}\t4000\toff`,
      '',
    ].join('\n');
    const warned = expectStatus(200, await send(whole));
    assert.match(warned.read(Reported).warning ?? '', /private key .* Leave them out: wg show/);
    assert(!warned.text.includes(secret));
    assert(!(await lab.stored()).includes(secret));
    assert(!lab.logged.join().includes(secret));
    assert.equal(await endpointOf('charlotte'), SEEN.v4);
    assert.equal((await lab.ask('GET', '/v1/networks/home/hosts/dolores')).read(HostView).listenPort, 51999);
    const single = `${own.join('\t').replace('PRIVATE', '(none)')}\n${peer(charlotte, SEEN.newV4, 15)}\n`;
    assert.equal(expectStatus(200, await send(single)).read(Reported).warning, undefined);
    assert.equal(await endpointOf('charlotte'), SEEN.newV4);
    const cut = `${teddy.host.publicKey}\t${SEEN.v6}\t${now - 10}\n`;
    assert.equal(expectStatus(200, await send(cut, 'text/plain; charset=utf-8')).read(Reported).warning, undefined);
    assert.equal(await endpointOf('teddy'), SEEN.v6);
    expectStatus(200, await send(''));
    for (const wrong of [
      'x',
      `${secret} ${secret}`,
      `${cut}a b c`,
      cut.replace(`${now - 10}`, '-1'),
      '{}',
      '\0\t\0\t1',
    ]) {
      const refused = await send(`${cut}\n${wrong}`);
      expectProblem('invalid', expectStatus(422, refused));
      assert(!refused.text.includes(secret));
    }
    expectProblem('invalid', await send(cut.repeat(10_001)));
    expectProblem('unsupported-media-type', expectStatus(415, await send(cut, 'text/csv')));
    expectProblem('malformed', expectStatus(400, await send(cut, 'application/json')));
  });

  test('a handshake from a clock that is ahead counts as now, and the next report outweighs it', async (t) => {
    const { lab, dolores, charlotte, teddy, say, endpointOf } = await startTrio(t);
    await say(dolores, [charlotte, '198.51.100.20:1000', -59]);
    lab.clock.now += 1000;
    await say(teddy, [charlotte, '198.51.100.99:1000', -1]);
    assert.equal(await endpointOf('charlotte'), '198.51.100.99:1000');
  });

  test('a host that reports without end is slowed down, and nobody else is', async (t) => {
    const { lab, dolores, teddy } = await startTrio(t);
    const report = (as: string) => lab.ask('POST', '/v1/report', { as, body: { observed: [] } });
    for (let i = 0; i < 120; i++) expectStatus(200, await report(dolores.hostKey));
    const refused = await report(dolores.hostKey);
    expectProblem('too-many-attempts', expectStatus(429, refused));
    assert.equal(refused.headers.get('retry-after'), '1');
    expectStatus(200, await report(teddy.hostKey));
    lab.clock.now += 500;
    expectStatus(200, await report(dolores.hostKey));
  });

  test('a host tells its own listen port, which is no news for the others', async (t) => {
    const { lab, dolores, teddy } = await startTrio(t);
    const config = (headers = {}) => lab.ask('GET', '/v1/config?format=wg', { as: dolores.hostKey, headers });
    const before = await config();
    const body = { listenPort: 51999, observed: [] };
    expectStatus(200, await lab.ask('POST', '/v1/report', { as: dolores.hostKey, body }));
    const host = (await lab.ask('GET', '/v1/networks/home/hosts/dolores')).read(HostView);
    assert.equal(host.listenPort, 51999);
    const { version } = (await lab.ask('GET', '/v1/peers', { as: teddy.hostKey })).read(PeerList);
    assert.equal(version, teddy.version);
    const changed = await config({ 'if-none-match': before.headers.get('etag')! });
    assert.match(expectStatus(200, changed).text, /^ListenPort = 51999$/m);
    const wrong = { listenPort: 0, observed: [] };
    expectProblem('invalid', await lab.ask('POST', '/v1/report', { as: dolores.hostKey, body: wrong }));
  });
});
