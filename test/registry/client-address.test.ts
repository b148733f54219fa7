import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clientOfRequest, parsePublicUrl, requestOrigin } from '../../src/registry/client-address.ts';

const headers = (values: Record<string, string>) => (name: string) => values[name];

describe('the other side of a request', () => {
  test('is whom a proxy on this machine names last, and nobody else can name anyone', () => {
    const forwarded = headers({ 'x-forwarded-for': '203.0.113.9, 198.51.100.7' });
    const clientAddress = (peer: string, header: typeof forwarded) => clientOfRequest(peer, header).address;
    assert.equal(clientAddress('127.0.0.1', forwarded), '198.51.100.7');
    assert.equal(clientAddress('::1', forwarded), '198.51.100.7');
    assert.equal(clientAddress('::ffff:127.0.0.1', forwarded), '198.51.100.7');
    assert.equal(clientAddress('192.0.2.1', forwarded), '192.0.2.1');
    assert.equal(clientAddress('::ffff:192.0.2.1', forwarded), '192.0.2.1');
    assert.equal(clientAddress('127.0.0.1', headers({})), '127.0.0.1');
    assert.equal(clientAddress('127.0.0.1', headers({ 'x-forwarded-for': 'unknown' })), '127.0.0.1');
  });

  test('is remote unless it is this machine itself, and behind a proxy whatever its entry says', () => {
    const isRemote = (peer: string, entry?: string) =>
      clientOfRequest(peer, headers(entry === undefined ? {} : { 'x-forwarded-for': entry })).isRemote;
    assert.equal(isRemote('192.0.2.1'), true);
    assert.equal(isRemote('192.0.2.1', '127.0.0.1'), true);
    assert.equal(isRemote('127.0.0.1', '192.0.2.1'), true);
    assert.equal(isRemote('::1', '::ffff:192.0.2.1'), true);
    for (const entry of ['unknown', '', '192.0.2.1:4711', '127.0.0.1, _hidden', '0177.0.0.1'])
      assert.equal(isRemote('127.0.0.1', entry), true, entry);
    for (const own of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1', '']) {
      assert.equal(isRemote(own), false, own);
      assert.equal(isRemote('127.0.0.1', own === '' ? undefined : own), false, own);
    }
  });

  test('calls the registry by https when a proxy on this machine says so', () => {
    const secure = headers({ 'x-forwarded-proto': 'https' });
    const origin = (url: string, peer: string, header = secure) => {
      const result = requestOrigin(url, peer, header);
      return result.ok ? result.value : result.reason;
    };
    assert.equal(origin('http://vpn.example.net/x', '127.0.0.1'), 'https://vpn.example.net');
    assert.equal(origin('http://vpn.example.net/x', '192.0.2.1'), 'http://vpn.example.net');
    assert.equal(origin('http://[2001:db8::1]:8080/x', '192.0.2.1'), 'http://[2001:db8::1]:8080');
    assert.equal(origin("http://a'b/x", '192.0.2.1'), 'invalid');
    assert.equal(origin('http://a$b/x', '192.0.2.1'), 'invalid');
  });

  test('an administrator’s own address for the registry is taken, in canonical text', () => {
    assert.equal(parsePublicUrl('https://VPN.example.net/'), 'https://vpn.example.net');
    assert.equal(parsePublicUrl('http://192.0.2.1:8080'), 'http://192.0.2.1:8080');
    assert.equal(parsePublicUrl('https://example.net/vpn/'), 'https://example.net/vpn');
    for (const wrong of [
      'vpn.example.net',
      'ftp://a',
      'https://a?b',
      'https://u:p@a',
      "https://a/'",
      'https://a/b c',
      '',
    ])
      assert.equal(parsePublicUrl(wrong), undefined, wrong);
  });
});
