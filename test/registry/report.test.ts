/** Reports: hosts with a dynamic address are found by what others see. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HostView, PeerList, Reported } from '../../src/registry/wire.ts';
import { expectProblem, expectStatus, startLab } from './lab.ts';

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

  test('a host tells its own listen port', async (t) => {
    const { lab, dolores } = await startTrio(t);
    const body = { listenPort: 51999, observed: [] };
    expectStatus(200, await lab.ask('POST', '/v1/report', { as: dolores.hostKey, body }));
    const host = (await lab.ask('GET', '/v1/networks/home/hosts/dolores')).read(HostView);
    assert.equal(host.listenPort, 51999);
    const wrong = { listenPort: 0, observed: [] };
    expectProblem('invalid', await lab.ask('POST', '/v1/report', { as: dolores.hostKey, body: wrong }));
  });
});
