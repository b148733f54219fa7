import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { configChange, createDevice, generateKeyPair, formatKey, parseConfigOrThrow, UserError } from 'peerage';

const own = generateKeyPair();
const peer = generateKeyPair();

function configFile(endpoint: string): string {
  return `[Interface]
PrivateKey = ${formatKey(own.privateKey)}
ListenPort = 51820
Address = 10.0.0.1/24

[Peer]
PublicKey = ${formatKey(peer.publicKey)}
Endpoint = ${endpoint}
AllowedIPs = 10.0.0.2/32, fd00::2/128
PersistentKeepalive = 25
`;
}

describe('a configuration as a change', () => {
  it('makes a device what the file says', () => {
    const change = configChange(parseConfigOrThrow(configFile('[2001:db8::1]:51820'), { file: 'wg0.conf' }));
    assert.deepEqual([change.listenPort, change.fwmark], [51820, 0]);
    const device = createDevice();
    device.configure({ peers: [{ publicKey: generateKeyPair().publicKey }] }, 0);
    device.configure(change, 0);
    const { publicKey, peers } = device.describe();
    assert.deepEqual(publicKey, own.publicKey);
    assert.equal(peers.length, 1, 'peers of before are gone');
    assert.equal(String(peers[0]!.endpoint), '[2001:db8::1]:51820');
    assert.equal(peers[0]!.persistentKeepalive, 25);
    assert.equal(peers[0]!.allowedIps.length, 2);
    device.close();
  });

  it('refuses a name as an endpoint, unless somebody resolves it', () => {
    const config = parseConfigOrThrow(configFile('vpn.example.net:51820'), { file: 'wg0.conf' });
    assert.throws(
      () => configChange(config),
      (error) => error instanceof UserError && error.message.includes('vpn.example.net') && error.remedy !== undefined,
    );
    const [change] = configChange(config, () => undefined).peers ?? [];
    assert.equal(change?.endpoint, undefined);
  });
});
