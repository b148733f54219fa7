/** The formats and names as the registry answers them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FORMAT_NAMES } from '../../../src/registry/render/formats.ts';
import { expectProblem, expectStatus, someKey } from '../lab.ts';
import { startPair } from '../pair.ts';

describe('GET /v1/config', () => {
  test('gives each format, for the interface that is asked for, and no private key or credential in any', async (t) => {
    const { lab, dolores, maeve } = await startPair(t);
    for (const format of FORMAT_NAMES) {
      const path = `/v1/config?format=${format}&interface=vpn_7`;
      const answer = expectStatus(200, await lab.ask('GET', path, { as: dolores.hostKey }));
      assert.match(answer.headers.get('content-type') ?? '', /^text\/plain;/);
      const expected =
        format === 'hosts' || format === 'zone' ? maeve.host.addresses[0]!.split('/')[0]! : maeve.host.publicKey;
      if (format !== 'network') assert.ok(answer.text.includes(expected), answer.text);
      assert.doesNotMatch(answer.text, /pg[ath]_|PrivateKey ?=|\bwg0\b/);
    }
  });

  test('answers a format for one interface with 304 for that one alone', async (t) => {
    const { lab, dolores } = await startPair(t);
    const ask = (query: string, headers = {}) =>
      lab.ask('GET', `/v1/config?${query}`, { as: dolores.hostKey, headers });
    const etag = expectStatus(200, await ask('format=netdev')).headers.get('etag')!;
    expectStatus(304, await ask('format=netdev&interface=wg0', { 'if-none-match': etag }));
    expectStatus(200, await ask('format=netdev&interface=wg1', { 'if-none-match': etag }));
    expectStatus(200, await ask('format=network', { 'if-none-match': etag }));
  });

  test('refuses a format that there is not, and an interface that is no name in all of them', async (t) => {
    const { lab, dolores } = await startPair(t);
    for (const query of [
      'format=ini',
      'interface=',
      'interface=wg-0',
      'interface=../x',
      'interface=wg0%0Areboot',
      'interface=a123456789012345',
    ]) {
      const answer = await lab.ask('GET', `/v1/config?${query}`, { as: dolores.hostKey });
      expectProblem('invalid', expectStatus(422, answer));
    }
  });
});

describe('names', () => {
  test('of a network are there for its administrator as zone and as hosts file, and go with their host', async (t) => {
    const { lab, dolores, maeve } = await startPair(t);
    const ask = async (file: string) => expectStatus(200, await lab.ask('GET', `/v1/networks/home/${file}`)).text;
    const lines = (facts: typeof dolores) =>
      facts.host.addresses.map((address) => `${address.split('/')[0]} ${facts.host.name}.vpn.example.net\n`).join('');
    assert.equal(await ask('hosts.txt'), lines(dolores) + lines(maeve));
    assert.match(await ask('zone'), /\nmaeve IN A 10\.1\.2\.\d+\nmaeve IN AAAA fd00:1:2:3:/);
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/home/hosts/maeve'));
    assert.equal(await ask('hosts.txt'), lines(dolores));
    assert.doesNotMatch(await ask('zone'), /maeve/);
  });

  test('of a network come with an ETag: the same again is a 304, for each reader until its own names change', async (t) => {
    const { lab, dolores } = await startPair(t);
    const ask = (file: string, as: string, etag?: string) => {
      const headers = etag === undefined ? {} : { 'if-none-match': etag };
      return lab.ask('GET', `/v1/networks/home/${file}`, { as, headers });
    };
    const readers = [lab.adminKey, dolores.hostKey];
    const headers = { 'if-match': (await lab.ask('GET', '/v1/networks/home')).headers.get('etag')! };
    const rules = [{ from: ['guests'], to: ['guests'] }];
    expectStatus(200, await lab.ask('PATCH', '/v1/networks/home', { body: { rules }, headers }));
    const etags = new Map<string, string>();
    for (const file of ['zone', 'hosts.txt'])
      for (const as of readers) {
        const first = expectStatus(200, await ask(file, as));
        const etag = first.headers.get('etag') ?? '';
        assert.match(etag, /^"[\w.-]+"$/);
        assert.deepEqual(
          [first.headers.get('vary'), first.headers.get('cache-control')],
          ['Authorization', 'private, no-cache'],
        );
        const again = expectStatus(304, await ask(file, as, etag));
        assert.deepEqual([again.text, again.headers.get('etag')], ['', etag]);
        // What another reader or another file has.
        for (const other of etags.values()) expectStatus(200, await ask(file, as, other));
        etags.set(`${file} ${as}`, etag);
      }
    assert.equal(new Set(etags.values()).size, 4);
    const body = { name: 'guest', publicKey: someKey(), tags: ['guests'] };
    expectStatus(201, await lab.ask('POST', '/v1/networks/home/hosts', { body }));
    for (const file of ['zone', 'hosts.txt']) {
      assert.match(
        expectStatus(200, await ask(file, lab.adminKey, etags.get(`${file} ${lab.adminKey}`))).text,
        /guest/,
      );
      expectStatus(304, await ask(file, dolores.hostKey, etags.get(`${file} ${dolores.hostKey}`)));
    }
    expectStatus(204, await lab.ask('DELETE', '/v1/self', { as: dolores.hostKey }));
    expectStatus(200, await ask('zone', lab.adminKey, etags.get(`zone ${lab.adminKey}`)));
    expectProblem('unauthorized', await ask('zone', dolores.hostKey, etags.get(`zone ${dolores.hostKey}`)));
  });

  test('of a network are all for an administrator, and for a host those that it may see of its own', async (t) => {
    const { lab, dolores } = await startPair(t);
    const as = dolores.hostKey;
    const guest = await lab.enrol(await lab.token({ tags: ['guests'] }), { name: 'guest' });
    expectStatus(201, await lab.ask('POST', '/v1/networks', { body: { name: 'away' } }));
    for (const [file, format] of [
      ['zone', 'zone'],
      ['hosts.txt', 'hosts'],
    ] as const) {
      const path = `/v1/networks/home/${file}`;
      const all = expectStatus(200, await lab.ask('GET', path));
      assert.equal(expectStatus(200, await lab.ask('GET', path, { as })).text, all.text);
      const headers = { 'if-match': (await lab.ask('GET', '/v1/networks/home')).headers.get('etag')! };
      const rules = [{ from: ['guests'], to: ['guests'] }];
      expectStatus(200, await lab.ask('PATCH', '/v1/networks/home', { body: { rules }, headers }));
      const own = expectStatus(200, await lab.ask('GET', path, { as: guest.hostKey })).text;
      const config = await lab.ask('GET', `/v1/config?format=${format}`, { as: guest.hostKey });
      assert.equal(own, config.text);
      assert.match(own, /guest/);
      assert.doesNotMatch(own, /dolores|maeve/);
      assert.match(expectStatus(200, await lab.ask('GET', path)).text, /dolores[^]*maeve/);
      // Another network answers a host as one that is not there, and nobody without a good key at all.
      const [other, none] = [`/v1/networks/away/${file}`, `/v1/networks/none/${file}`];
      const [there, nowhere] = [await lab.ask('GET', other, { as }), await lab.ask('GET', none, { as })];
      const detailOf = (answer: typeof there) =>
        expectProblem('not-found', expectStatus(404, answer)).detail.replace(/away|none/, '');
      assert.equal(detailOf(there), detailOf(nowhere));
      expectProblem('not-found', expectStatus(404, await lab.ask('GET', none)));
      expectProblem('unauthorized', expectStatus(401, await lab.ask('GET', path, { as: null })));
      expectProblem('forbidden', expectStatus(403, await lab.ask('GET', path, { as: await lab.token() })));
      const open = { 'if-match': (await lab.ask('GET', '/v1/networks/home')).headers.get('etag')! };
      expectStatus(200, await lab.ask('PATCH', '/v1/networks/home', { body: { rules: null }, headers: open }));
    }
  });
});
