/** DNS over HTTPS, asked by dig and curl, through TLS and HTTP/2. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import { run } from '../../cli/peerage.ts';
import { expectProblem, expectStatus } from '../lab.ts';
import { startPair } from '../pair.ts';
import { startTlsProxy } from './tls-proxy.ts';

async function startNames(t: TestContext) {
  const pair = await startPair(t);
  const { lab, dolores, maeve } = pair;
  const port = await startTlsProxy(t, lab.url);
  const pathOf = async (as: string) =>
    new URL(expectStatus(200, await lab.ask('GET', '/v1/dns-url', { as })).text).pathname;
  const path = await pathOf(dolores.hostKey);
  const [ipv4, ipv6] = maeve.host.addresses.map((address) => address.split('/')[0]!) as [string, string];
  /** What dig makes of the answer: its status, flags, and records without the times they may be kept. */
  const dig = async (...question: string[]) => {
    const args = ['@127.0.0.1', '-p', `${port}`, `+https=${path}`, '+noedns', '+tries=1', '+time=120', ...question];
    const { exitCode, stdout } = await run('dig', args);
    assert.equal(exitCode, 0, stdout);
    assert.match(stdout, /status: /, stdout);
    const [, status = ''] = /status: (\w+)/.exec(stdout) ?? [];
    const [, flags = ''] = /flags: ([\w ]+);/.exec(stdout) ?? [];
    const records = stdout.split('\n').filter((line) => /^[^;\s]/.test(line));
    return { status, flags, records: records.map((line) => line.split(/\s+/).toSpliced(1, 2).join(' ')).sort() };
  };
  return { ...pair, dig, path, pathOf, port, ipv4, ipv6 };
}

const SOA = (zone: string, version: number) =>
  `${zone}. SOA localhost. nobody.invalid. ${Math.floor(version / 1000)} 3600 600 604800 60`;

describe('DNS over HTTPS', () => {
  test('answers with the addresses of a host and with the name of an address, by GET and POST', async (t) => {
    const { dig, path, ipv4, ipv6 } = await startNames(t);
    const name = 'maeve.vpn.example.net';
    const flags = 'qr aa rd';
    assert.deepEqual(await dig(name, 'A'), { status: 'NOERROR', flags, records: [`${name}. A ${ipv4}`] });
    assert.deepEqual(await dig(`+https-get=${path}`, name, 'AAAA'), {
      status: 'NOERROR',
      flags,
      records: [`${name}. AAAA ${ipv6}`],
    });
    assert.deepEqual((await dig(name, 'ANY')).records, [`${name}. A ${ipv4}`, `${name}. AAAA ${ipv6}`]);
    const reverse = ipv4.split('.').reverse().join('.');
    assert.deepEqual((await dig('-x', ipv4)).records, [`${reverse}.in-addr.arpa. PTR ${name}.`]);
    const [record = ''] = (await dig('-x', ipv6)).records;
    assert.match(record, /^([0-9a-f]\.){32}ip6\.arpa\. PTR maeve\.vpn\.example\.net\.$/);
  });

  test('tells a name that is not there from a type that it has not, and refuses what is not its own', async (t) => {
    const { dig, maeve } = await startNames(t);
    const soa = SOA('vpn.example.net', maeve.version);
    assert.deepEqual(await dig('maeve.vpn.example.net', 'TXT'), {
      status: 'NOERROR',
      flags: 'qr aa rd',
      records: [soa],
    });
    assert.deepEqual(await dig('nobody.vpn.example.net', 'A'), {
      status: 'NXDOMAIN',
      flags: 'qr aa rd',
      records: [soa],
    });
    assert.deepEqual((await dig('a.maeve.vpn.example.net', 'A')).status, 'NXDOMAIN');
    assert.deepEqual((await dig('vpn.example.net', 'SOA')).records, [soa]);
    assert.deepEqual((await dig('vpn.example.net', 'NS')).records, ['vpn.example.net. NS localhost.']);
    const nobody = await dig('-x', '10.1.2.0'); // the address of the network itself is nobody's
    assert.deepEqual([nobody.status, nobody.records], ['NXDOMAIN', [SOA('2.1.10.in-addr.arpa', maeve.version)]]);
    for (const name of ['example.net', 'xvpn.example.net', 'www.example.com', '.'])
      assert.deepEqual(await dig(name, 'A'), { status: 'REFUSED', flags: 'qr rd', records: [] });
    assert.equal((await dig('-x', '10.1.3.1')).status, 'REFUSED');
  });

  test('is what curl asks when it is told to', async (t) => {
    const { lab, path, port, ipv4 } = await startNames(t);
    const doh = ['--doh-url', `https://127.0.0.1:${port}${path}`, '--doh-insecure'];
    const curl = spawn('curl', ['-v', '-4', ...doh, 'http://maeve.vpn.example.net:9/'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    // Nobody need be there to connect to: what counts is the address that it tries.
    const ended = once(curl, 'close');
    let said = '';
    for await (const text of curl.stderr.setEncoding('utf8')) {
      said += String(text);
      if (said.includes(`Trying ${ipv4}:9`)) curl.kill();
    }
    await ended;
    assert.ok(said.includes(`Trying ${ipv4}:9`), said);
    assert.ok(
      lab.logged.every((line) => !line.includes(path)),
      'no log line holds the key',
    );
  });

  test('of one host knows what that host may see, and nothing once it is gone', async (t) => {
    const { lab, maeve, dig, path, pathOf } = await startNames(t);
    const body = { rules: [{ from: ['office'], to: ['servers'] }] };
    const { headers } = await lab.ask('GET', '/v1/networks/home');
    const ifMatch = { 'if-match': headers.get('etag')! };
    assert.notEqual(await pathOf(maeve.hostKey), path);
    expectStatus(200, await lab.ask('PATCH', '/v1/networks/home', { body, headers: ifMatch }));
    assert.equal((await dig('maeve.vpn.example.net', 'A')).status, 'NXDOMAIN');
    assert.equal((await dig('dolores.vpn.example.net', 'A')).status, 'NOERROR');
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/home/hosts/dolores'));
    expectProblem('not-found', expectStatus(404, await lab.ask('GET', `${path}?dns=AAABAAAB`, { as: null })));
  });

  test('says for how long an answer may be kept, and what is wrong with a request', async (t) => {
    const { lab, path } = await startNames(t);
    const query = 'AAABAAABAAAAAAAAB2RvbG9yZXMDdnBuB2V4YW1wbGUDbmV0AAABAAE';
    const answer = expectStatus(200, await lab.ask('GET', `${path}?dns=${query}`, { as: null }));
    assert.equal(answer.headers.get('content-type'), 'application/dns-message');
    assert.equal(answer.headers.get('cache-control'), 'private, max-age=60');
    for (const dns of ['', 'AAAA', 'A', `${query}=`, '*'])
      expectProblem('invalid', expectStatus(422, await lab.ask('GET', `${path}?dns=${dns}`, { as: null })));
    const headers = { 'content-type': 'application/json' };
    expectProblem('unsupported-media-type', await lab.ask('POST', path, { as: null, headers, body: {} }));
  });

  test('has a key that cannot be guessed: wrong ones are all alike, and counted', async (t) => {
    const { lab, path } = await startNames(t);
    const wrong = [
      path.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')),
      '/v1/dns-query/aaaaaaaa.bb',
      path.replace(/[^/]+\./, 'aaaaaaaa.'),
    ];
    for (const address of wrong) {
      const answer = expectStatus(404, await lab.ask('GET', `${address}?dns=AAAA`, { as: null }));
      assert.equal(
        expectProblem('not-found', answer).detail,
        'There is nothing here. /openapi.json lists all there is.',
      );
    }
    let status = 404;
    for (let i = 0; i < 1000 && status === 404; i++)
      ({ status } = await lab.ask('GET', `${wrong[0]}?dns=AAAA`, { as: null }));
    assert.equal(status, 429);
  });
});
