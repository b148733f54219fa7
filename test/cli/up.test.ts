import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Host } from '../interop/lab/host.ts';
import { Lab } from '../interop/lab/lab.ts';
import { labOptions } from '../interop/lab/requirements.ts';

const PEER_KEY = 'Zi4U/VlFVvUiYEcDNANRJYkDtk81VTdj8ZQmqypRXFg=';
const OTHER_KEY = 'WEAuaVuhdyscyTCXVfBDJR6nf9zxD75jmJzrfhkyE3Y=';

describe('peerage up and down', labOptions('wg', 'ss', 'ncat'), () => {
  let lab: Lab;
  let host: Host;
  let untouched: string;

  before(async () => {
    lab = await Lab.open();
    host = await lab.host('host');
    await lab.connect(host, await lab.switch(), { addresses: ['192.0.2.1/24', '2001:db8::1/64'] });
    await host.addNames({ 'peer.example.net': ['192.0.2.2'] });
    await host.output('sh', ['-c', 'umask 077; peerage genkey > /etc/wireguard/wg0.key']);
    untouched = await everything();
  });
  after(async () => lab[Symbol.asyncDispose]());
  beforeEach(async () => assert.equal(await everything(), untouched, 'nothing is left of the test before'));

  /** What a tunnel could leave behind. */
  async function everything(): Promise<string> {
    const script =
      'ip -brief address; ip -4 route show table all; ip -6 route show table all; find /run/wireguard /var/lib ! -type d';
    return host.waitFor('the routing table settles', async () => {
      const first = (await host.run('sh', ['-c', script])).stdout;
      return first === (await host.run('sh', ['-c', script])).stdout && first;
    });
  }

  async function write(lines: string, { mode = '600' } = {}): Promise<void> {
    await host.output('sh', ['-c', `cat > /etc/wireguard/wg0.conf; chmod ${mode} /etc/wireguard/wg0.conf`], {
      input: lines,
    });
  }

  const plain = `[Interface]
PostUp = wg set %i private-key /etc/wireguard/wg0.key
Address = 10.9.0.1/24, fd00:9::1/64
ListenPort = 51999
`;

  it('sets addresses, routes, MTU and peers, shows each step, runs the hooks, and takes all of it back', async () => {
    await write(`${plain}
PreUp = echo pre-up %i >> /run/hooks
PostUp = echo post-up %i >> /run/hooks
PreDown = echo pre-down %i >> /run/hooks
PostDown = echo post-down %i >> /run/hooks
[Peer]
PublicKey = ${PEER_KEY}
AllowedIPs = 10.9.0.2/32, 172.27.88.0/24, fd00:9::2/128, fd00:77::/64
Endpoint = peer.example.net:55867
PersistentKeepalive = 25
`);
    const { stderr } = await host.run('peerage', ['up', 'wg0']);
    assert.match(stderr, /^\[#\] ip -4 address add 10\.9\.0\.1\/24 dev wg0$/m);
    assert.match(stderr, /^\[#\] ip link set mtu 1420 up dev wg0$/m);
    assert.match(await host.output('wg', ['show', 'wg0', 'endpoints']), /192\.0\.2\.2:55867/);
    assert.equal(
      await host.output('wg', ['show', 'wg0', 'public-key']),
      await host.output('sh', ['-c', 'wg pubkey < /etc/wireguard/wg0.key']),
    );
    assert.match(await host.output('ip', ['route', 'get', '172.27.88.9']), /dev wg0 src 10\.9\.0\.1/);
    assert.match(await host.output('ip', ['route', 'get', 'fd00:77::9']), /dev wg0/);
    const twice = await host.run('peerage', ['up', 'wg0']);
    assert.equal(twice.exitCode, 1);
    assert.match(twice.stderr, /`wg0' already exists/);
    await host.output('peerage', ['down', 'wg0']);
    assert.equal(await host.output('cat', ['/run/hooks']), 'pre-up wg0\npost-up wg0\npre-down wg0\npost-down wg0\n');
    const again = await host.run('peerage', ['down', 'wg0']);
    assert.match(again.stderr, /`wg0' is not a WireGuard interface/);
  });

  it('a hook that fails takes everything back', async () => {
    await write(`${plain}PostUp = false\n`);
    const { exitCode, stderr } = await host.run('peerage', ['up', 'wg0']);
    assert.equal(exitCode, 1);
    assert.match(stderr, /the hook "false" failed with exit code 1/);
    assert.match(stderr, /\[#\] ip link delete dev wg0/);
  });

  it('so does a port that another program has', async () => {
    await write(plain);
    const other = await host.spawn('ncat', ['-lu', '192.0.2.1', '51999']);
    await host.waitFor('it has the port', async () => (await host.output('ss', ['-Hlnu', 'sport = :51999'])) !== '');
    const { exitCode, stderr } = await host.run('peerage', ['up', 'wg0']);
    await other.stop();
    assert.equal(exitCode, 1);
    assert.match(stderr, /UDP port 51999 is in use/);
    assert.match(stderr, /\[#\] ip link delete dev wg0/);
  });

  it('so does a person who interrupts it', async () => {
    await write(`${plain}PostUp = touch /run/waiting; read go < /run/fifo\n`);
    await host.output('mkfifo', ['/run/fifo']);
    const up = await host.spawn('peerage', ['up', 'wg0']);
    await host.waitFor('the hook waits', async () => (await host.run('test', ['-e', '/run/waiting'])).exitCode === 0);
    await up.signal('SIGINT');
    await host.output('sh', ['-c', 'echo go > /run/fifo']);
    const { exitCode, stderr } = await up.result;
    assert.equal(exitCode, 1);
    assert.match(stderr, /interrupted; everything was taken back/);
  });

  it('also while a name is asked for again and again', async () => {
    // A name server that cannot be reached, which is no answer.
    await host.output('sh', ['-c', 'echo nameserver 198.51.100.53 > /etc/resolv.conf']);
    await write(`${plain}[Peer]\nPublicKey = ${PEER_KEY}\nEndpoint = later.example.org:1\n`);
    const up = await host.spawn('peerage', ['up', 'wg0'], { env: { WG_ENDPOINT_RESOLUTION_RETRIES: 'infinity' } });
    await host.waitFor('it waits', () =>
      up.stderr.includes("`later.example.org:1'. Trying again in 1.00 seconds...\n"),
    );
    await up.signal('SIGINT');
    const { exitCode, stderr } = await up.result;
    assert.equal(exitCode, 1);
    assert.match(stderr, /interrupted; everything was taken back/);
  });

  it('of two at once, one wins and the other does it no harm', async () => {
    await write(plain);
    const both = await Promise.all([host.run('peerage', ['up', 'wg0']), host.run('peerage', ['up', 'wg0'])]);
    const said = both.map((each) => each.stderr).join('\n');
    assert.equal(both.filter((each) => each.exitCode === 0).length, 1, said);
    assert.equal(both.filter((each) => each.exitCode === 1).length, 1, said);
    assert.match(await host.output('ip', ['address', 'show', 'dev', 'wg0']), /10\.9\.0\.1/);
    assert.equal(await host.output('peerage', ['show', 'interfaces']), 'wg0\n');
    await host.output('peerage', ['down', 'wg0']);
  });

  it('a name that cannot be resolved, an address that is taken, a key that is none: all taken back', async () => {
    const peer = `[Peer]\nPublicKey = ${PEER_KEY}\n`;
    for (const [text, message] of [
      [`${plain}${peer}Endpoint = nowhere.invalid:1\n`, /: `nowhere\.invalid:1'\n {2}Check the Endpoint/],
      [`${plain}Address = 10.9.0.1/24\n`, /"ip -4 address add 10\.9\.0\.1\/24 dev wg0" failed/],
      [plain.replace('wg0.key', 'none.key'), /none\.key does not exist/],
      [plain.replace('/etc/wireguard/wg0.key', '/etc/hostname'), /\/etc\/hostname holds no private key/],
    ] as const) {
      await write(text);
      const env = { WG_ENDPOINT_RESOLUTION_RETRIES: '0' };
      const { exitCode, stderr } = await host.run('peerage', ['up', 'wg0'], { env });
      assert.equal(exitCode, 1);
      assert.match(stderr, message);
      assert.equal(await everything(), untouched);
    }
  });

  it('a hook may leave something running, which is not waited for', async () => {
    await write(`${plain}PostUp = sleep 1000 &\nPreDown = kill $(pidof sleep)\n`);
    // Into a file, because the test itself would wait for the end of a pipe that the sleeper holds open.
    await host.output('sh', ['-c', 'peerage up wg0 >/run/output 2>&1']);
    await host.output('peerage', ['down', 'wg0']);
  });

  it('routes go where Table says', async () => {
    const peer = `[Peer]\nPublicKey = ${PEER_KEY}\nAllowedIPs = 172.27.88.0/24, 0.0.0.0/0\n`;
    await write(`${plain}Table = 1234\n${peer}`);
    await host.output('peerage', ['up', 'wg0']);
    const table = await host.output('ip', ['route', 'show', 'table', '1234']);
    assert.match(table, /^default dev wg0/m);
    assert.match(table, /^172\.27\.88\.0\/24 dev wg0/m);
    await host.output('peerage', ['down', 'wg0']);
    await write(`${plain}Table = off\n${peer}`);
    await host.output('peerage', ['up', 'wg0']);
    assert.doesNotMatch(await host.output('ip', ['route']), /172\.27\.88/);
    await host.output('peerage', ['down', 'wg0']);
  });

  it('warns of a file that others can read', async () => {
    await write(plain, { mode: '644' });
    await host.output('chmod', ['755', '/etc/wireguard']);
    const { stderr } = await host.run('peerage', ['up', 'wg0']);
    await host.output('chmod', ['700', '/etc/wireguard']);
    await host.output('peerage', ['down', 'wg0']);
    assert.match(stderr, /Warning: `\/etc\/wireguard\/wg0\.conf' is world accessible/);
  });

  it('syncconf changes what differs, and leaves the private key when the file names none', async () => {
    await write(`${plain}[Peer]\nPublicKey = ${PEER_KEY}\nAllowedIPs = 10.9.0.2/32\nEndpoint = 192.0.2.2:1\n`);
    await host.output('peerage', ['up', 'wg0']);
    const key = await host.output('wg', ['show', 'wg0', 'private-key']);
    const file = `[Interface]
ListenPort = 51999
[Peer]
PublicKey = ${OTHER_KEY}
AllowedIPs = 10.9.0.2/32, 10.9.0.3/32
PersistentKeepalive = 25
`;
    await host.output('peerage', ['syncconf', 'wg0', '/dev/stdin'], { input: file });
    const dump = await host.output('wg', ['show', 'wg0', 'dump']);
    assert.match(
      dump,
      new RegExp(`^${OTHER_KEY.replaceAll('+', '\\+')}\t.*10\\.9\\.0\\.2/32,10\\.9\\.0\\.3/32.*25$`, 'm'),
    );
    assert.equal(dump.includes(PEER_KEY), false);
    assert.equal(await host.output('wg', ['show', 'wg0', 'private-key']), key);
    const refused = await host.run('peerage', ['syncconf', 'wg0', '/etc/wireguard/wg0.conf']);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /wg0\.conf:2: PostUp is a key of wg-quick/);
    await host.output('peerage', ['down', 'wg0']);
  });

  it('an interface that went on its own can be brought up again', async () => {
    await write(plain);
    await host.output('peerage', ['up', 'wg0']);
    await host.output('ip', ['link', 'delete', 'dev', 'wg0']);
    await host.waitFor('its daemon ends', async () => (await host.output('peerage', ['show', 'interfaces'])) === '');
    await host.output('peerage', ['up', 'wg0']);
    await host.output('peerage', ['down', 'wg0']);
  });
});
