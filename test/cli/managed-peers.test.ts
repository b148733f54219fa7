import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keysOf, rewritePeers } from '../../src/cli/managed-peers.ts';
import { peer } from '../agent/fake-registry.ts';

const FILE = `# mine
[Interface]
PostUp = echo hello

[Peer]
# my phone
PublicKey = Zi4U/VlFVvUiYEcDNANRJYkDtk81VTdj8ZQmqypRXFg=
AllowedIPs = 10.9.9.9/32

[Peer]
# host1, in the cellar
PublicKey = ${peer(1).publicKey}
AllowedIPs = 10.0.0.1/32
PersistentKeepalive = 25
`;

describe('the file of a joined interface', () => {
  it('stays byte for byte when nothing changed', () => {
    assert.equal(rewritePeers(FILE, 'wg0.conf', new Set(keysOf([peer(1)])), [peer(1)]), FILE);
  });

  it('gets the peers that came and loses those that went; the rest is the administrator’s', () => {
    const text = rewritePeers(FILE, 'wg0.conf', new Set(keysOf([peer(1), peer(2)])), [
      peer(2, { endpoint: '192.0.2.1:5' }),
    ]);
    assert.match(text, /^# mine\n\[Interface\]\nPostUp = echo hello\n/);
    assert.match(text, /# my phone\nPublicKey = Zi4U/);
    assert.doesNotMatch(text, /cellar/);
    assert.match(text, /\[Peer\]\n# host2\nPublicKey = .*\nEndpoint = 192\.0\.2\.1:5\nAllowedIPs = 10\.0\.0\.2\/32\n/);
  });
});
