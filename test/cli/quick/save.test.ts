import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { labOptions } from '../../interop/lab/requirements.ts';
import { BesideWgQuick } from './beside-wg-quick.ts';

const PEER_KEY = 'Zi4U/VlFVvUiYEcDNANRJYkDtk81VTdj8ZQmqypRXFg=';
const OTHER_KEY = 'WEAuaVuhdyscyTCXVfBDJR6nf9zxD75jmJzrfhkyE3Y=';
const PATH = '/etc/wireguard/wg0.conf';
const FILE = `# Our office
[Interface]
PrivateKey = gN42kTUpFOQsMbA8Vv1r83QE5ssPPCqG92wQjfbSDXY=
ListenPort = 51999
Address = 10.9.0.1/24, fd00:9::1/64
DNS = 10.9.0.2, 10.9.0.3
MTU = 1380
Table = auto
SaveConfig = true
PreUp = true # nothing
PostUp = echo %i is up
PreDown = true
PostDown = echo %i is down

[Peer] # Dolores
PublicKey = ${PEER_KEY}
AllowedIPs = 10.9.0.2/32
Endpoint = 192.0.2.2:51999
`;

const STRANGE_FILES = [
  '',
  '\n',
  '[Interface]\n\n# only\n   \n',
  '  [Interface]  \n\tAddress=10.0.0.1/24 \n  ListenPort = 1 # odd \nMTU = 1280',
  '[interface]\nADDRESS = 10.0.0.1\nPostUp = a = b # c\nUnknown = 7\nsaveconfig = FALSE\n[Peer]\nMTU = 5\nAddress = no\n',
  'MTU = 1\n[ Interface ]\nMTU = 2\n[Interface] # x\nMTU = 3\n[Interface]x\nMTU = 4\n',
  '[Interface]\r\nAddress = 10.0.0.1/24\r\nListenPort = 5\r\n[Peer]\r\n',
  '[Interface]\n#Address = 2\nAddress\nAddress #= 3\n= 4\n\n[Peer]\n  PublicKey = short',
];

describe('wg-quick', labOptions('wg-quick', 'resolvconf'), () => {
  let hosts: BesideWgQuick;

  before(async () => {
    hosts = await BesideWgQuick.open({ addresses: ['192.0.2.1/24', '2001:db8::1/64'] });
  });
  after(() => hosts[Symbol.asyncDispose]());

  /** What a test that failed may have left must not fail the others. */
  afterEach(() => hosts.both((host) => host.output('sh', ['-c', 'ip link delete dev wg0 2>/dev/null || true'])));

  /** The file as both left it; theirs without the address that the kernel made up. */
  async function saved(): Promise<string> {
    const { theirs, ours } = await hosts.both((host) => host.output('cat', [PATH]));
    assert.equal(ours, theirs.replaceAll(/^Address = fe80:.*\n/gm, ''));
    assert.equal((await hosts.ours.output('stat', ['-c', '%a', PATH])).trim(), '600');
    return ours;
  }

  it('writes into the file what the tunnel has become', async () => {
    await hosts.write(PATH, FILE);
    await hosts.same('up', 'wg0');
    await hosts.both((host) =>
      host.output('sh', [
        '-ec',
        `wg set wg0 fwmark 0x7 peer ${OTHER_KEY} allowed-ips 10.9.0.3/32,fd00:9::3/128 persistent-keepalive 25
        wg set wg0 peer ${PEER_KEY} endpoint '[2001:db8::2]:1'
        ip address add 10.9.7.1/24 dev wg0
        ip link set wg0 mtu 1400`,
      ]),
    );
    await hosts.same('save', 'wg0');
    const file = await saved();
    assert.match(file, /^Address = 10\.9\.7\.1\/24$/m);
    assert.match(file, /^DNS = 10\.9\.0\.2\nDNS = 10\.9\.0\.3\nMTU = 1400\nTable = auto\nSaveConfig = true$/m);
    assert.match(file, /^PostDown = echo %i is down$/m);
    assert.match(file, new RegExp(`^PublicKey = ${OTHER_KEY}\nAllowedIPs = .*\nPersistentKeepalive = 25$`, 'm'));
    await hosts.both((host) => host.output('wg', ['set', 'wg0', 'peer', OTHER_KEY, 'remove']));
    await hosts.same('down', 'wg0');
    const last = await saved();
    assert.equal(last.includes(OTHER_KEY), false);
    await hosts.write(PATH, last);
    await hosts.same('up', 'wg0');
    await hosts.same('down', 'wg0');
    await saved();
  });

  it("keeps search domains, and a `&` in a hook, which Debian's does not", async () => {
    await hosts.write(
      PATH,
      FILE.replace('10.9.0.3', 'example.net example.org').replace('echo %i is down', 'true && echo %i is down'),
    );
    await hosts.run('up', 'wg0');
    await hosts.run('down', 'wg0');
    const file = await hosts.ours.output('cat', [PATH]);
    assert.match(file, /^DNS = 10\.9\.0\.2\nDNS = example\.net\nDNS = example\.org$/m);
    assert.match(file, /^PostDown = true && echo %i is down$/m);
    await hosts.write(PATH, FILE.replace('10.9.0.2, 10.9.0.3', 'example.net'));
    await hosts.run('up', 'wg0');
    await hosts.run('down', 'wg0');
    assert.match(await hosts.ours.output('cat', [PATH]), /^DNS = example\.net$/m);
  });

  it('strips any file to what wg is to read', async () => {
    for (const text of [FILE, ...STRANGE_FILES]) {
      await hosts.write(PATH, text);
      await hosts.same('strip', 'wg0');
    }
  });

  it('strips for `peerage syncconf`', async () => {
    await hosts.write(PATH, FILE);
    await hosts.same('up', 'wg0');
    await hosts.write(PATH, FILE.replace('10.9.0.2/32', '10.9.0.77/32'));
    await hosts.ours.output('sh', ['-c', 'peerage strip wg0 | peerage syncconf wg0 /dev/stdin']);
    assert.match(await hosts.ours.output('wg', ['show', 'wg0', 'allowed-ips']), /\t10\.9\.0\.77\/32\n$/);
    await hosts.run('down', 'wg0');
  });
});
