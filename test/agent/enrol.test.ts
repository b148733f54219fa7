import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createEnrolment,
  isCleartext,
  parseJoinLink,
  readEnrolment,
  readLeave,
  readReEnrolment,
} from '../../src/agent/enrol.ts';
import { UserError } from '../../src/errors.ts';
import { UNAUTHORIZED } from '../../src/registry/service/result.ts';
import { answer, keyOf, peer } from './fake-registry.ts';

const TOKEN = `pgt_${'x'.repeat(43)}`;
const facts = { name: 'teddy', publicKey: keyOf(1) };
const enrolled = {
  network: { name: 'home', suffix: 'vpn.example.net', ranges: ['10.0.0.0/24'] },
  host: { ...facts, addresses: ['10.0.0.1/24'], listenPort: 55867, endpoint: null, routes: [] },
  version: 2,
  peers: [peer(2)],
  hostKey: `pgh_${'s'.repeat(43)}`,
};

describe('the link that a person pastes', () => {
  it('is https, unless it says otherwise or names a private place', () => {
    for (const [link, registry] of [
      [`vpn.example.net/${TOKEN}`, 'https://vpn.example.net'],
      [`vpn.example.net:8443/${TOKEN}`, 'https://vpn.example.net:8443'],
      [`https://example.net/vpn/${TOKEN}`, 'https://example.net/vpn'],
      [`http://203.0.113.1:8080/${TOKEN}`, 'http://203.0.113.1:8080'],
      [`203.0.113.1/${TOKEN}`, 'https://203.0.113.1'],
      [`127.0.0.1:8080/${TOKEN}`, 'http://127.0.0.1:8080'],
      [`localhost:8080/${TOKEN}`, 'http://localhost:8080'],
      [`192.168.1.1/${TOKEN}`, 'http://192.168.1.1'],
      [`[fd00::1]:8080/${TOKEN}`, 'http://[fd00::1]:8080'],
    ] as const)
      assert.deepEqual(parseJoinLink(link), { registry, token: TOKEN });
  });

  it('may lack the token, which then comes another way', () => {
    assert.deepEqual(parseJoinLink('vpn.example.net'), { registry: 'https://vpn.example.net', token: undefined });
  });

  it('is refused without a word of what it held', () => {
    assert.throws(() => parseJoinLink(TOKEN), /a token, without the address of its registry/);
    for (const link of ['', TOKEN, 'http://', 'https://user:pw@host/x', `vpn.example.net/?token=${TOKEN}`])
      assert.throws(
        () => parseJoinLink(link),
        (error) => error instanceof UserError && error.exitCode === 2 && !error.message.includes('pgt_x'),
      );
  });

  it('warns of credentials in the clear only where somebody could listen', () => {
    assert.equal(isCleartext('http://203.0.113.1'), true);
    assert.equal(isCleartext('http://192.168.1.1'), false);
    assert.equal(isCleartext('https://203.0.113.1'), false);
  });
});

describe('enrolment', () => {
  it('sends the token in a header and the public key in the body', () => {
    const request = createEnrolment(TOKEN, facts);
    assert.equal(request.headers['authorization'], `Bearer ${TOKEN}`);
    assert.deepEqual(JSON.parse(request.body ?? ''), facts);
    assert.equal(request.path.includes(TOKEN), false);
  });

  it('reads what the registry gave', () => {
    assert.deepEqual(readEnrolment(answer(201, enrolled), facts), enrolled);
  });

  it('does not take an answer about another host', () => {
    const other = { ...enrolled, host: { ...enrolled.host, publicKey: keyOf(9) } };
    assert.throws(() => readEnrolment(answer(201, other), facts), /another host/);
  });

  it('takes nothing that could become a line of its own in a file, or that draws foreign traffic', () => {
    const evil = 'home\n[Interface]\nPreUp = touch /tmp/pwned\n#';
    const { network, host } = enrolled;
    for (const hostile of [
      { network: { ...network, name: evil } },
      { network: { ...network, suffix: evil } },
      { network: { ...network, ranges: [evil] } },
      { hostKey: `pgh_${'s'.repeat(42)}\n` },
      { host: { ...host, addresses: [`10.0.0.1/24\nPreUp = x`] } },
      { host: { ...host, endpoint: evil } },
      { host: { ...host, routes: [evil] } },
      { peers: [peer(2, { name: evil })] },
      { peers: [peer(2, { endpoint: `192.0.2.1:1\nPreUp = x` })] },
      { peers: [peer(2, { allowedIps: ['10.0.0.2/32\nPreUp = x'] })] },
    ])
      assert.throws(() => readEnrolment(answer(201, { ...enrolled, ...hostile }), facts), /not a Peerage registry/);
    const wide = { ...enrolled, host: { ...host, addresses: ['10.0.0.1/24', '10.0.0.1/1'] } };
    assert.throws(() => readEnrolment(answer(201, wide), facts), /10\.0\.0\.1\/1, which would draw foreign traffic/);
  });

  it('says what to do about each refusal', () => {
    const problem = { 'content-type': 'application/problem+json' };
    const cases: [ReturnType<typeof answer>, RegExp, RegExp | undefined][] = [
      [answer(401, { detail: 'No.' }, problem), /refused to enrol "teddy": No\./, /new one/],
      [answer(409, { detail: 'Taken.' }, problem), /Taken\./, undefined],
      // In the registry's own words, which are for those who send headers.
      [answer(401, { detail: UNAUTHORIZED.detail }, problem), /: The credential is .* revoked\.$/, /new one/],
      [
        answer(302, '', { location: 'https://vpn.example.net/v1/x' }),
        /points to https:\/\/vpn\.example\.net \(/,
        /say so/,
      ],
      [answer(302, '', { location: '/elsewhere' }), /not a Peerage registry/, /healthz/],
      [answer(429, {}, { ...problem, 'retry-after': '30' }), /too many/, /30 seconds/],
      [answer(502, '<html>'), /HTTP 502/, /Nothing was changed/],
      [answer(404, '<html>'), /not a Peerage registry/, /healthz/],
      [answer(200, '<html>'), /not a Peerage registry/, /healthz/],
    ];
    for (const [response, message, remedy] of cases)
      assert.throws(
        () => readEnrolment(response, facts),
        (error) =>
          error instanceof UserError &&
          message.test(error.message) &&
          (remedy === undefined || remedy.test(error.remedy ?? '')),
      );
  });
});

describe('enrolling again with the host key', () => {
  const { hostKey, ...config } = enrolled;

  it('completes the answer, which holds no secret, with the host key that was asked with', () => {
    assert.equal(createEnrolment(hostKey, facts).headers['authorization'], `Bearer ${hostKey}`);
    assert.deepEqual(readReEnrolment(answer(200, config), facts, hostKey), enrolled);
  });

  it('believes no more than an enrolment does', () => {
    const other = { ...config, host: { ...config.host, publicKey: keyOf(9) } };
    assert.throws(() => readReEnrolment(answer(200, other), facts, hostKey), /another host/);
    assert.throws(() => readReEnrolment(answer(200, '<html>'), facts, hostKey), /not a Peerage registry/);
    const problem = { 'content-type': 'application/problem+json' };
    assert.throws(
      () => readReEnrolment(answer(401, { detail: 'No.' }, problem), facts, hostKey),
      (error) => error instanceof UserError && /No\./.test(error.message) && /token/.test(error.remedy ?? ''),
    );
  });
});

describe('leaving', () => {
  it('a host that the registry has forgotten may leave as well', () => {
    assert.equal(readLeave(answer(204)), true);
    assert.equal(readLeave(answer(401)), false);
    assert.throws(() => readLeave(answer(503)), UserError);
  });
});
