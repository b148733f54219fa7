import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Finding } from '../../../src/cli/doctor/finding.ts';
import type { Host } from '../../interop/lab/host.ts';
import { Lab } from '../../interop/lab/lab.ts';
import { labOptions } from '../../interop/lab/requirements.ts';

const PEER_KEY = 'Zi4U/VlFVvUiYEcDNANRJYkDtk81VTdj8ZQmqypRXFg=';

describe('peerage doctor', labOptions('wg', 'nft', 'ping'), () => {
  let lab: Lab;
  let host: Host;

  before(async () => {
    lab = await Lab.open();
    const wire = await lab.switch();
    host = await lab.host('host');
    const peer = await lab.host('peer');
    await lab.connect(host, wire, {
      addresses: ['192.0.2.1/24', '2001:db8::1/64'],
      routes: ['default via 192.0.2.254'],
    });
    await lab.connect(peer, wire, { addresses: ['192.0.2.2/24', '2001:db8::2/64'] });
    await host.output('sh', ['-c', 'umask 077; peerage genkey > /etc/wireguard/wg0.key']);
  });
  after(async () => lab[Symbol.asyncDispose]());

  interface Situation {
    allowedIps?: string;
    address?: string;
    endpoint?: string;
    more?: string;
    mode?: string;
  }

  /** Brings wg0 up as described, changes the host, asks the doctor, and takes everything back. */
  async function diagnose(
    { allowedIps = '10.9.0.2/32', address = '10.9.0.1/24', endpoint, more = '', mode = '600' }: Situation,
    fault: { before?: string; during?: string; undo?: string } = {},
    beforeDown?: string,
  ): Promise<{ exitCode: number | null; findings: Finding[] }> {
    const to = endpoint === undefined ? '' : `Endpoint = ${endpoint}\n`;
    const file = `[Interface]
PostUp = wg set %i private-key /etc/wireguard/wg0.key
Address = ${address}
ListenPort = 51999
${more}
[Peer]
PublicKey = ${PEER_KEY}
AllowedIPs = ${allowedIps}
${to}`;
    const path = '/etc/wireguard/wg0.conf';
    await host.output('sh', ['-c', `cat > ${path}; chmod ${mode} ${path}`], { input: file });
    if (fault.before !== undefined) await host.output('sh', ['-c', fault.before]);
    await host.output('peerage', ['up', 'wg0']);
    try {
      if (fault.during !== undefined) await host.output('sh', ['-c', fault.during]);
      const { exitCode, stdout } = await host.run('peerage', ['doctor', 'wg0', '--json'], { timeoutMs: 60_000 });
      return { exitCode, findings: JSON.parse(stdout) as Finding[] };
    } finally {
      if (beforeDown !== undefined) await host.output('sh', ['-c', beforeDown]);
      await host.output('peerage', ['down', 'wg0']);
      if (fault.undo !== undefined) await host.output('sh', ['-c', fault.undo]);
    }
  }

  function faults(findings: readonly Finding[]): Finding[] {
    return findings.filter(({ severity, subject }) => severity !== 'ok' && subject !== 'clock' && subject !== 'crypto');
  }

  it('has nothing to say against a tunnel that works', async () => {
    const { exitCode, findings } = await diagnose({ endpoint: '192.0.2.2:51820' });
    assert.deepEqual(faults(findings), []);
    assert.equal(exitCode, 0);
    const ok = findings.map(({ what }) => what).join('\n');
    assert.match(ok, /packets of 1420 bytes fit the path to 192\.0\.2\.2/);
    assert.match(
      ok,
      /crypto provider "\w+" for a tunnel that starts now, with .* thread.*: \d+ ns .* \d+ handshakes\/s/,
    );
    assert.match(ok, /wg0 is up, with 1 peers on UDP port 51999/);
  });

  it('finds a path that is too narrow, and its remedy widens it to what fits', async () => {
    const narrow = { before: 'ip route add 192.0.2.2 dev eth0 mtu lock 1300', undo: 'ip route del 192.0.2.2' };
    const { exitCode, findings } = await diagnose({ endpoint: '192.0.2.2:51820', more: 'MTU = 1420' }, narrow);
    const [found, ...others] = faults(findings);
    assert.deepEqual(others, []);
    assert.equal(exitCode, 1);
    assert.match(found!.what, /only packets of 1240 bytes fit the path to 192\.0\.2\.2, and the MTU of wg0 is 1420/);
    assert.match(found!.remedy!, /^ip link set mtu 1240 dev wg0 /);
    const mended = await diagnose({ endpoint: '192.0.2.2:51820', more: 'MTU = 1240' }, narrow);
    assert.deepEqual(faults(mended.findings), []);
  });

  it('measures IPv6 paths with their longer header', async () => {
    const { findings } = await diagnose({ endpoint: '[2001:db8::2]:51820', more: 'MTU = 1421' });
    assert.match(faults(findings)[0]!.what, /only packets of 1420 bytes fit the path to 2001:db8::2/);
  });

  it('finds a local network with the range of a peer', async () => {
    const { exitCode, findings } = await diagnose(
      { allowedIps: '10.9.0.2/32, 172.27.88.0/24' },
      {
        before: 'ip link add lan type bridge; ip link set lan up; ip address add 172.27.88.1/24 dev lan',
        undo: 'ip link del lan',
      },
    ).catch(async (error: unknown) => {
      // `up` refuses to add the route that is there: the doctor is asked with the interface down.
      assert.match(String(error), /172\.27\.88\.0\/24/);
      const { exitCode, stdout } = await host.run('peerage', ['doctor', 'wg0', '--json']);
      return { exitCode, findings: JSON.parse(stdout) as Finding[] };
    });
    assert.equal(exitCode, 1);
    assert.match(faults(findings)[0]!.what, /172\.27\.88\.0\/24 is a peer's and a route of lan/);
  });

  it('finds a rule that leads packets past the tunnel', async () => {
    const { exitCode, findings } = await diagnose(
      { allowedIps: '10.9.0.2/32, 172.27.99.0/24' },
      {
        during: 'ip route add default via 192.0.2.254 table 77; ip rule add to 172.27.99.0/24 lookup 77 priority 77',
        undo: 'ip rule del priority 77; ip route flush table 77',
      },
    );
    assert.deepEqual(
      faults(findings).map(({ what }) => what),
      ['172.27.99.0/24 is sent to eth0 and not to wg0'],
    );
    assert.equal(exitCode, 1);
  });

  it('finds a route that is gone, and its remedy brings it back', async () => {
    const situation = { allowedIps: '10.9.0.2/32, 172.27.99.0/24' };
    const { findings } = await diagnose(situation, {
      during: 'ip route del 172.27.99.0/24 && ip route del default',
      undo: 'ip route add default via 192.0.2.254',
    });
    const [found] = faults(findings);
    assert.equal(found?.what, '172.27.99.0/24 is routed nowhere and not to wg0');
    const mended = await diagnose(situation, { during: `ip route del 172.27.99.0/24; ${found.remedy}` });
    assert.deepEqual(faults(mended.findings), []);
  });

  it('finds an endpoint behind its own tunnel, and its remedy leads it outside', async () => {
    const situation = { allowedIps: '10.9.0.2/32, 203.0.113.0/24', endpoint: '203.0.113.9:51820' };
    const { findings } = await diagnose(situation);
    const [found] = faults(findings);
    assert.equal(found?.what, 'datagrams to the endpoint 203.0.113.9 would go into wg0 itself');
    assert.equal(found.remedy, 'ip route add 203.0.113.9 via 192.0.2.254');
    const mended = await diagnose(situation, { during: found.remedy, undo: 'ip route del 203.0.113.9' });
    assert.equal(
      faults(mended.findings).some(({ what }) => what.includes('itself')),
      false,
    );
  });

  it('finds a closed firewall, and its remedies open it', async () => {
    const closed =
      'nft add table inet f; nft add chain inet f in "{ type filter hook input priority 0; policy drop; }"';
    const undo = 'nft delete table inet f';
    const { exitCode, findings } = await diagnose({}, { during: closed, undo });
    const found = faults(findings);
    assert.deepEqual(
      found.map(({ severity, what }) => [severity, what]),
      [
        ['error', 'nftables does not let in incoming UDP on port 51999'],
        ['warning', 'nftables does not let in traffic that comes out of wg0'],
      ],
    );
    assert.equal(exitCode, 1);
    const remedies = found.map(({ remedy }) => remedy).join('; ');
    const mended = await diagnose({}, { during: `${closed}; ${remedies}`, undo });
    assert.deepEqual(faults(mended.findings), []);
  });

  it('finds an address that another interface has the range of', async () => {
    const { findings } = await diagnose(
      { address: '10.9.0.1/24' },
      {
        before: 'ip link add lan type bridge; ip link set lan up; ip address add 10.9.0.129/25 dev lan',
        undo: 'ip link del lan',
      },
    );
    assert.match(faults(findings)[0]!.what, /the address 10\.9\.0\.1\/24 overlaps with 10\.9\.0\.129\/25 of lan/);
  });

  it('finds a key that others can read, a stale socket and a TUN device that is missing', async () => {
    const { findings } = await diagnose(
      { mode: '644' },
      {
        during:
          'nc -lU /run/wireguard/old.sock & pid=$!; until [ -S /run/wireguard/old.sock ]; do :; done; kill -9 $pid',
        undo: 'rm /run/wireguard/old.sock',
      },
    );
    assert.deepEqual(
      faults(findings).map(({ remedy }) => remedy),
      ['rm /var/run/wireguard/old.sock', 'chmod 600 /etc/wireguard/wg0.conf'],
    );
    const hide = 'mount -t tmpfs none /dev/net && exec peerage doctor --json';
    const { exitCode, stdout } = await host.run('unshare', ['--mount', 'sh', '-c', hide]);
    assert.equal(exitCode, 1);
    assert.match(stdout, /there is no \/dev\/net\/tun/);
  });

  it('finds a daemon that does not answer, and looks at all else', async () => {
    const { exitCode, findings } = await diagnose(
      { mode: '644' },
      { during: 'kill -STOP $(pgrep -f "[p]eerage-tun.* wg0")' },
      'kill -CONT $(pgrep -f "[p]eerage-tun.* wg0")',
    );
    const found = faults(findings);
    assert.deepEqual(
      found.map(({ what }) => what),
      ['cannot ask the tunnel wg0: no answer within 10 s', '/etc/wireguard/wg0.conf can be read by others than root'],
    );
    assert.match(found[0]!.remedy!, /state T: kill -CONT PID/);
    assert.equal(exitCode, 1);
  });

  it('finds that it may not read what root may, and looks at all else', async () => {
    await host.output('chmod', ['700', '/etc/wireguard']);
    for (const name of [['wg0'], []]) {
      const args = ['--reuid=65534', '--clear-groups', 'peerage', 'doctor', ...name, '--json'];
      const { exitCode, stdout, stderr } = await host.run('setpriv', args);
      assert.equal(exitCode, 1, stderr);
      const findings = JSON.parse(stdout) as Finding[];
      const denied = findings.filter(({ what }) => what.includes('/etc/wireguard'));
      assert.match(denied[0]!.what, /^cannot .*: permission denied$/);
      assert.match(denied[0]!.remedy!, /sudo/);
      assert.ok(findings.some(({ subject }) => subject === 'crypto'));
      assert.ok(!findings.some(({ what }) => what.includes('does not exist')), stdout);
    }
  });

  it('tells a person in words, and says what it may not do', async () => {
    const args = ['--bounding-set=-net_admin', '--inh-caps=-net_admin', 'peerage', 'doctor'];
    const { exitCode, stdout, stderr } = await host.run('setpriv', args);
    assert.equal(exitCode, 1);
    assert.match(
      stdout,
      /^error {4}tun: this process may not configure networks: it lacks CAP_NET_ADMIN\n {11}sudo peerage doctor$/m,
    );
    assert.match(stderr, /errors? to mend/);
  });
});
