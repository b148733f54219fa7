import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkClock, checkClockAgainst } from '../../../src/cli/doctor/clock.ts';
import { checkCrypto, measureCrypto } from '../../../src/cli/doctor/crypto.ts';
import type { Finding } from '../../../src/cli/doctor/finding.ts';
import { checkForwarding } from '../../../src/cli/doctor/forwarding.ts';
import { checkListening } from '../../../src/cli/doctor/listening.ts';
import { checkPath, gatherPaths } from '../../../src/cli/doctor/path-mtu.ts';
import { checkRegistry } from '../../../src/cli/doctor/registry.ts';
import { checkRoutes, type RouteFacts } from '../../../src/cli/doctor/routes.ts';
import { sampleAddress } from '../../../src/cli/doctor/routing-table.ts';
import { checkSockets } from '../../../src/cli/doctor/sockets.ts';
import type { Subject } from '../../../src/cli/doctor/subject.ts';
import { checkTun } from '../../../src/cli/doctor/tun.ts';
import { checkVersions } from '../../../src/cli/doctor/versions.ts';
import type { Ports } from '../../../src/cli/ports.ts';
import { nobleCrypto } from '../../../src/crypto/noble.ts';
import { parseCidr, type Cidr } from '../../../src/ip.ts';

const NOW = Date.UTC(2026, 10, 22, 12);

function severities(findings: readonly Finding[]): string[] {
  return findings.map(({ severity }) => severity);
}

/** What is wrong has a remedy. */
function only(findings: readonly Finding[]): { severity: string; what: string; remedy: string } {
  const [finding, ...more] = findings;
  assert.deepEqual(more, []);
  assert.ok(finding?.remedy !== undefined);
  return { severity: finding.severity, what: finding.what, remedy: finding.remedy };
}

describe('clock', () => {
  const facts = { wallMs: NOW, isSynchronised: true, latestHandshake: undefined };

  it('a synchronised one is well', () => assert.deepEqual(severities(checkClock(facts)), ['ok']));

  it('one of a machine without a battery is an error', () => {
    const { severity, what, remedy } = only(checkClock({ ...facts, wallMs: 0, isSynchronised: false }));
    assert.deepEqual([severity, remedy], ['error', 'timedatectl set-ntp true']);
    assert.match(what, /1970-01-01/);
  });

  it('one that is before a handshake that was has gone back; a second is nothing', () => {
    const later = (ms: number) => ({ ...facts, latestHandshake: { peer: 'x', atMs: NOW + ms } });
    assert.equal(only(checkClock(later(3_600_000))).severity, 'error');
    assert.deepEqual(severities(checkClock(later(1000))), ['ok']);
  });

  it('one that nobody sets is a warning, one that nothing is known of is not', () => {
    assert.equal(only(checkClock({ ...facts, isSynchronised: false })).severity, 'warning');
    assert.deepEqual(severities(checkClock({ ...facts, isSynchronised: undefined })), ['ok']);
  });

  it('is compared with that of the registry, either way', () => {
    assert.match(only(checkClockAgainst('https://r', NOW, NOW + 90_000)).what, /90 s ahead of that of https:\/\/r/);
    assert.match(only(checkClockAgainst('https://r', NOW, NOW - 90_000)).what, /90 s behind/);
    assert.deepEqual(checkClockAgainst('https://r', NOW, NOW + 5000), []);
  });
});

describe('crypto', () => {
  it('measures a provider in packets and handshakes', () => {
    const clock = { monotonic: () => performance.now(), wall: () => NOW };
    const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
    const facts = measureCrypto(nobleCrypto, { clock, random });
    assert.equal(facts.provider, 'noble');
    assert.ok(facts.sealNs > 500 && facts.sealNs < 1e7, String(facts.sealNs));
    assert.ok(facts.handshakesPerSecond > 1, String(facts.handshakesPerSecond));
  });

  it('a provider that is slower than a gigabit per second is a warning', () => {
    const facts = { provider: 'node', sealNs: 5000, handshakesPerSecond: 1000 };
    assert.deepEqual(severities(checkCrypto(facts)), ['ok']);
    assert.equal(only(checkCrypto({ ...facts, sealNs: 13_000 })).severity, 'warning');
  });
});

describe('tun', () => {
  const facts = { exists: true, openError: undefined, capabilities: 1n << 12n };

  it('a device that opens and the capability are all it takes', () =>
    assert.deepEqual(severities(checkTun(facts)), ['ok', 'ok']));

  it('tells a missing device, a missing driver, a container and a missing right apart', () => {
    const remedy = (change: Partial<typeof facts> | { openError: string }): string | undefined =>
      checkTun({ ...facts, ...change }).find(({ severity }) => severity === 'error')?.remedy;
    assert.match(remedy({ exists: false }) ?? '', /mknod \/dev\/net\/tun c 10 200/);
    assert.equal(remedy({ openError: 'No such device' }), 'modprobe tun');
    assert.match(remedy({ openError: 'Operation not permitted' }) ?? '', /--device \/dev\/net\/tun/);
    assert.equal(remedy({ openError: 'Permission denied' }), 'sudo peerage doctor');
    assert.equal(remedy({ capabilities: 1n << 13n }), 'sudo peerage doctor');
  });
});

describe('routes', () => {
  const [ten, lan, everything] = ['10.0.0.0/8', '10.1.2.0/24', '0.0.0.0/0'].map((text) => parseCidr(text)!) as [
    Cidr,
    Cidr,
    Cidr,
  ];
  const facts: RouteFacts = {
    name: 'wg0',
    isManaged: true,
    allowedIps: [ten],
    addresses: [],
    routes: [{ prefix: lan, device: 'eth0', gateway: undefined }],
    ownAddresses: [],
    decisions: [{ device: 'wg0' }],
    endpoints: [],
  };

  it('a local network inside of an allowed IP is a warning, inside of a default route it is as it should be', () => {
    assert.match(
      only(checkRoutes(facts)).what,
      /^10\.1\.2\.0\/24, a part of the allowed IP 10\.0\.0\.0\/8, goes to eth0/,
    );
    assert.deepEqual(severities(checkRoutes({ ...facts, allowedIps: [everything] })), ['ok']);
  });

  it('with Table = off nobody is told where packets have to go', () => {
    const elsewhere = { ...facts, routes: [], decisions: [{ device: 'eth0' }] };
    assert.equal(only(checkRoutes(elsewhere)).severity, 'error');
    assert.deepEqual(severities(checkRoutes({ ...elsewhere, isManaged: false })), ['ok']);
  });

  it('an endpoint that no route leads to is an error', () => {
    const lost = { ...facts, routes: [], endpoints: [{ address: '192.0.2.1', decision: { device: undefined } }] };
    assert.equal(only(checkRoutes(lost)).what, 'there is no route to the endpoint 192.0.2.1');
  });

  it('looks at an address that is not of this host itself', () => {
    const sample = (prefix: string, ...own: string[]): string => sampleAddress(parseCidr(prefix)!, own);
    assert.equal(sample('10.9.0.0/24'), '10.9.0.1');
    assert.equal(sample('10.9.0.0/24', '10.9.0.1'), '10.9.0.2');
    assert.equal(sample('10.9.0.7/32'), '10.9.0.7');
    assert.equal(sample('10.9.0.6/31', '10.9.0.6'), '10.9.0.7');
    assert.equal(sample('fd00::/64', 'fd00::1'), 'fd00::2');
    assert.equal(sample('::/0'), '100::1');
  });
});

describe('the other checks', () => {
  it('a path that is not measured is not blamed', () => {
    const path = { name: 'wg0', endpoint: '192.0.2.1', family: 4, mtu: 1420, linkMtu: 1500 } as const;
    assert.deepEqual(severities(checkPath({ ...path, pathMtu: undefined })), ['ok']);
    assert.deepEqual(severities(checkPath({ ...path, pathMtu: 1480 })), ['ok']);
    assert.match(only(checkPath({ ...path, pathMtu: 1479 })).remedy, /mtu 1419 dev wg0/);
  });

  it('an MTU that this host itself cannot carry is blamed where no ping is answered, too', () => {
    const path = { name: 'wg0', endpoint: '192.0.2.1', family: 4, mtu: 1500, pathMtu: undefined } as const;
    const found = only(checkPath({ ...path, linkMtu: 1500 }));
    assert.match(
      found.what,
      /the MTU of wg0 is 1500, and only packets of 1440 bytes fit into the 1500 of what carries/,
    );
    assert.match(found.remedy, /mtu 1440 dev wg0/);
    assert.match(only(checkPath({ ...path, endpoint: '2001:db8::1', family: 6, linkMtu: 1500 })).remedy, /mtu 1420 /);
    for (const linkMtu of [0, 9000]) assert.deepEqual(severities(checkPath({ ...path, linkMtu })), ['ok']);
  });

  it('what carries the datagrams is looked up as they are sent, with the mark of the tunnel', async () => {
    const endpoint = { ipAddress: parseCidr('192.0.2.1/32')! };
    const subject = { name: 'wg0', tunnel: { fwmark: 51820, peers: [{ endpoint }] } } as unknown as Subject; // all that is read
    const linkMtuOf = async (route: string): Promise<number | undefined> => {
      const answers: Record<string, string> = {
        'ip link show dev wg0': '4: wg0: <POINTOPOINT> mtu 1500 qdisc noqueue',
        'ip link show dev eth0': '2: eth0: <BROADCAST> mtu 1500 qdisc noqueue',
        'ip route get 192.0.2.1 mark 51820': route,
      };
      const run = async (program: string, args: readonly string[]) => {
        if (program === 'ping') return { exitCode: 1, stdout: '', stderr: '' };
        const stdout = answers[[program, ...args].join(' ')];
        assert.ok(stdout !== undefined, `${program} ${args.join(' ')}`);
        return { exitCode: 0, stdout, stderr: '' };
      };
      const [found] = await gatherPaths({ processes: { run } } as unknown as Ports, subject); // as above
      assert.deepEqual([found?.mtu, found?.pathMtu], [1500, undefined]);
      return found?.linkMtu;
    };
    assert.equal(await linkMtuOf('192.0.2.1 via 192.0.2.254 dev eth0 src 192.0.2.7 mark 0xca6c'), 1500);
    assert.equal(await linkMtuOf('192.0.2.1 dev eth0 src 192.0.2.7 mark 0xca6c\n    cache mtu 1400'), 1400);
    assert.equal(await linkMtuOf('192.0.2.1 dev wg0 src 10.9.0.1 mark 0xca6c'), 0);
  });

  it('forwarding counts on a host that peers meet at, for each family that they have', () => {
    const families = [
      { family: 4, isForwarded: false },
      { family: 6, isForwarded: true },
    ] as const;
    const findings = checkForwarding({ name: 'wg0', isRelay: true, families });
    assert.deepEqual(severities(findings), ['warning', 'ok']);
    assert.match(findings[0]!.remedy!, /^sysctl -w net\.ipv4\.ip_forward=1 /);
    assert.deepEqual(checkForwarding({ name: 'wg0', isRelay: false, families }), []);
  });

  it('a closed port is an error only where peers have to speak first', () => {
    const opening = {
      firewall: 'ufw',
      what: 'incoming UDP on port 51820',
      add: ['ufw', 'allow', '51820/udp', 'comment', 'peerage wg0'],
      remove: { type: 'command', command: ['ufw', 'delete'] },
    } as const;
    const check = (speaksFirst: boolean) => only(checkListening({ name: 'wg0', openings: [opening], speaksFirst }));
    assert.equal(check(false).severity, 'error');
    assert.equal(check(true).severity, 'warning');
    assert.equal(check(true).remedy, `ufw allow 51820/udp comment 'peerage wg0'`);
  });

  it('a registry that is down is a warning, an agent that is not there an error', () => {
    const answer = { elapsedMs: 12, status: 200, theirMs: NOW, ourMs: NOW };
    const exit = { name: undefined, state: 'none' } as const;
    const routes = { requestedRoutes: [], unforwarded: [] };
    const facts = { name: 'wg0', isUp: true, url: 'https://r', answer, agentRuns: true, exit, ...routes };
    assert.deepEqual(severities(checkRegistry(facts)), ['ok']);
    const down = only(checkRegistry({ ...facts, answer: { failure: 'cannot reach https://r: connection refused' } }));
    assert.deepEqual([down.severity, down.remedy], ['warning', 'curl -v https://r/healthz']);
    assert.equal(only(checkRegistry({ ...facts, answer: { ...answer, status: 404 } })).severity, 'warning');
    assert.deepEqual(severities(checkRegistry({ ...facts, agentRuns: false })), ['ok', 'error']);
    assert.deepEqual(severities(checkRegistry({ ...facts, agentRuns: false, isUp: false })), ['ok']);
  });

  it('tells of an exit that is gone, one that is not offered, routes that wait, and what is not forwarded to', () => {
    const answer = { elapsedMs: 3, status: 200, theirMs: NOW, ourMs: NOW };
    const about = (state: 'in use' | 'gone' | 'not offered', requestedRoutes?: string[], unforwarded: string[] = []) =>
      checkRegistry({
        name: 'wg0',
        isUp: true,
        url: 'https://r',
        answer,
        agentRuns: true,
        exit: { name: 'berlin', state },
        requestedRoutes,
        unforwarded,
      });
    assert.deepEqual(severities(about('in use', [])), ['ok', 'ok']);
    assert.match(about('gone').at(-1)!.what, /the exit "berlin" is gone/);
    assert.deepEqual(severities(about('gone')), ['ok', 'error']);
    assert.deepEqual(severities(about('not offered')), ['ok', 'warning']);
    assert.match(about('in use', ['172.27.88.0/24']).at(-1)!.what, /nobody hears of 172\.27\.88\.0\/24/);
    const behind = about('in use', [], ['172.27.88.0/24', '0.0.0.0/0', 'fd42::/64']).slice(2);
    assert.match(behind[0]!.what, /^IPv4 is not forwarded: .* to 172\.27\.88\.0\/24, 0\.0\.0\.0\/0$/);
    assert.deepEqual(severities(behind), ['warning', 'warning']);
    assert.match(behind[1]!.remedy!, /^sysctl -w net\.ipv6\.conf\.all\.forwarding=1 /);
  });

  it('sockets that answer are named, those that do not are to be removed', () => {
    assert.deepEqual(checkSockets({ present: [], answering: [] }), []);
    const findings = checkSockets({ present: ['wg0', 'old'], answering: ['wg0'] });
    assert.deepEqual(severities(findings), ['ok', 'warning']);
    assert.equal(findings[1]!.remedy, 'rm /var/run/wireguard/old.sock');
  });

  it('a host without ip(8) is told how to get it', () => {
    const facts = { kernel: '6.18.0', runtime: 'Bun 1.4.5', program: '/usr/bin/peerage' };
    assert.deepEqual(severities(checkVersions({ ...facts, iproute2: 'ip utility' })), ['ok', 'ok']);
    assert.equal(checkVersions({ ...facts, iproute2: '' })[1]!.remedy, 'apt-get install iproute2');
  });
});
