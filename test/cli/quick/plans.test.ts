import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAddress, parseCidr, type Cidr } from '../../../src/ip.ts';
import { leftoverDeletions, readAddresses, ruleDeletions } from '../../../src/cli/quick/default-route.ts';
import { dnsRemoval, dnsSteps, readRecord, recordName, splitDns } from '../../../src/cli/quick/dns.ts';
import {
  iptablesGuard,
  iptablesGuardMark,
  iptablesGuardRemoval,
  nftGuard,
  nftGuardMark,
  nftGuardRemoval,
} from '../../../src/cli/quick/guard.ts';
import { formatSaved, readAddresses as readBriefAddresses } from '../../../src/cli/quick/save.ts';
import { stripConfig } from '../../../src/cli/quick/strip.ts';
import { sortPrefixes } from '../../../src/cli/routes.ts';
import { parseConfigOrThrow } from '../../../src/config/parse.ts';

const cidrs = (...texts: string[]): Cidr[] => texts.map((text) => parseCidr(text)!);

describe('routes', () => {
  it('come with the longest prefix first, and of one length from the last to the first', () => {
    const sorted = sortPrefixes(cidrs('0.0.0.0/0', '10.1.0.0/24', '::/0', 'fd00::1/128', '10.2.0.0/24', '10.0.0.1/32'));
    const lengths = sorted.map((prefix) => prefix.prefixLength);
    assert.deepEqual(lengths, [128, 32, 24, 24, 0, 0]);
    assert.deepEqual(sorted.slice(2), cidrs('10.2.0.0/24', '10.1.0.0/24', '::/0', '0.0.0.0/0'));
  });

  it('of a default route leave no rule of theirs, and none of others is touched', () => {
    const rules = `0:\tfrom all lookup local
32760:\tfrom all lookup 518200
32761:\tfrom all lookup main suppress_prefixlength 1
32763:\tnot from all fwmark 0xca6c lookup 51820
32764:\tfrom all lookup main suppress_prefixlength 0
32765:\tnot from all fwmark 0xca6c lookup 51820
32766:\tfrom all lookup main
`;
    assert.deepEqual(
      ruleDeletions(6, rules, 51820).map((command) => command.join(' ')),
      [
        'ip -6 rule delete table 51820',
        'ip -6 rule delete table 51820',
        'ip -6 rule delete table main suppress_prefixlength 0',
      ],
    );
  });

  it('know the own addresses of an interface', () => {
    const text = `7: wg0    inet 10.9.0.1/24 brd 10.9.0.255 scope global wg0\\       valid_lft forever preferred_lft forever
7: wg0    inet 10.9.5.1 peer 10.9.5.2/32 scope global wg0\\       valid_lft forever preferred_lft forever
7: wg0    inet6 fd00:9::1/64 scope global \\       valid_lft forever preferred_lft forever
`;
    assert.deepEqual(readAddresses(text), [parseAddress('10.9.0.1'), parseAddress('fd00:9::1')]);
  });
});

describe('what an interface that went on its own leaves of a default route', () => {
  it('goes, and other interfaces keep theirs', () => {
    const rules = `32762:\tnot from all fwmark 0xca6d lookup 51821
32763:\tfrom all lookup main suppress_prefixlength 0
32764:\tnot from all fwmark 0xca6c lookup 51820
32765:\tfrom all lookup main suppress_prefixlength 0
`;
    assert.deepEqual(
      leftoverDeletions(4, rules, 51820).map((command) => command.join(' ')),
      ['ip -4 rule delete table 51820', 'ip -4 rule delete table main suppress_prefixlength 0'],
    );
    assert.deepEqual(leftoverDeletions(4, rules, 51822), []);
  });

  it('is known by the mark in its guard', () => {
    assert.equal(nftGuardMark('\t\tmeta l4proto udp meta mark 0x0000ca6c ct mark set meta mark\n'), 51820);
    assert.equal(nftGuardMark(''), undefined);
    const saved = `-A POSTROUTING -p udp -m mark --mark 0xca6d -m comment --comment "wg-quick(8) rule for wg1" -j CONNMARK
-A POSTROUTING -p udp -m mark --mark 0xca6c -m comment --comment "wg-quick(8) rule for wg0" -j CONNMARK
`;
    assert.equal(iptablesGuardMark('wg0', saved), 51820);
    assert.equal(iptablesGuardMark('wg', saved), undefined);
  });
});

describe('the guard of a default route', () => {
  const guard = { name: 'wg0', family: 6, mark: 7, addresses: [parseAddress('fd00:9::1')!] } as const;

  it('is one transaction, whatever the number of addresses', () => {
    for (const addresses of [[], guard.addresses]) {
      const { command, input = '' } = nftGuard({ ...guard, addresses });
      assert.deepEqual(command, ['nft', '-f', '-']);
      assert.equal(input.match(/fib saddr type != local drop/g)?.length ?? 0, addresses.length);
      assert.match(input, /^add (table ip6 wg-quick-wg0)\ndelete \1\n\1 \{\n/);
      const iptables = iptablesGuard({ ...guard, addresses });
      assert.deepEqual(iptables.command, ['ip6tables-restore', '-n']);
      assert.match(
        iptables.input ?? '',
        /^\*raw\n(?:-I PREROUTING .*\n)*COMMIT\n\*mangle\n.*--mark 7 .*\n.*\nCOMMIT\n$/,
      );
    }
  });

  it('is found again by its name, among others that begin alike', () => {
    const tables = 'table ip wg-quick-wg01\ntable inet filter\ntable ip wg-quick-wg0\ntable ip6 wg-quick-wg0\n';
    assert.equal(
      nftGuardRemoval('wg0', tables)?.input,
      'delete table ip wg-quick-wg0\ndelete table ip6 wg-quick-wg0\n',
    );
    assert.equal(nftGuardRemoval('wg0', tables, [6])?.input, 'delete table ip6 wg-quick-wg0\n');
    assert.equal(nftGuardRemoval('wg', tables), undefined);
    const saved = `*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p udp -j ACCEPT
-A PREROUTING ! -i wg0 -m comment --comment "wg-quick(8) rule for wg0" -j DROP
-A PREROUTING ! -i wg01 -m comment --comment "wg-quick(8) rule for wg01" -j DROP
COMMIT
`;
    assert.deepEqual(iptablesGuardRemoval('wg0', 'iptables', saved), {
      command: ['iptables-restore', '-n'],
      input: '*raw\n-D PREROUTING ! -i wg0 -m comment --comment "wg-quick(8) rule for wg0" -j DROP\nCOMMIT\n',
    });
    assert.equal(iptablesGuardRemoval('wg', 'iptables', saved), undefined);
  });
});

describe('name servers', () => {
  const dns = splitDns(['10.9.0.2', 'example.net', 'fd00:9::2', 'corp']);

  it('are the addresses of a DNS line; the rest are search domains', () => {
    assert.deepEqual(dns, { servers: ['10.9.0.2', 'fd00:9::2'], searchDomains: ['example.net', 'corp'] });
  });

  it('are told to resolvconf in the form of resolv.conf, or to systemd-resolved', () => {
    const [step] = dnsSteps('wg0', dns, { type: 'resolvconf', record: 'tun.wg0' });
    assert.equal(step?.input, 'nameserver 10.9.0.2\nnameserver fd00:9::2\nsearch example.net corp\n');
    assert.deepEqual(readRecord(step?.input ?? ''), ['10.9.0.2', 'fd00:9::2', 'example.net', 'corp']);
    const alone = dnsSteps('wg0', { ...dns, searchDomains: [] }, { type: 'resolvectl' });
    assert.deepEqual(alone[1]?.command, ['resolvectl', 'domain', 'wg0', '~.']);
    assert.equal(dnsRemoval({ type: 'resolvectl' }), undefined);
  });

  it('go under the first kind of interface that resolvconf wants to see', () => {
    assert.equal(recordName('wg0', undefined), 'wg0');
    assert.equal(recordName('wg0', 'lo.inet6\n# tun*\n'), 'wg0');
    assert.equal(recordName('wg0', 'lo.inet6\ntun*\ntap*\n'), 'tun.wg0');
  });
});

describe('a saved file', () => {
  const config = parseConfigOrThrow('[Interface]\nAddress = fe80::1/64\nMTU = 1300\nPostUp = a $& b\n', { file: 'x' });

  it('has the addresses of the interface, but for those that the kernel made up', () => {
    const brief = 'wg0              UNKNOWN        10.9.0.1/24 fe80::1/64 fe80::f4e2:3/64 \n';
    assert.deepEqual(readBriefAddresses(brief, config.interface), ['10.9.0.1/24', 'fe80::1/64']);
  });

  it('ends with one line break, and holds hooks as they are', () => {
    const present = { addresses: ['10.9.0.1/24'], dns: ['10.9.0.2'], mtu: 1280 };
    const text = formatSaved('[Interface]\nListenPort = 5\n\n', config.interface, present);
    assert.equal(
      text,
      '[Interface]\nAddress = 10.9.0.1/24\nDNS = 10.9.0.2\nMTU = 1280\nPostUp = a $& b\nListenPort = 5\n',
    );
  });

  it('is stripped of comments that wg(8) refuses', () => {
    assert.equal(
      stripConfig('[Interface]\n ; a\n;[Peer]\nMTU = 1\n# b\nListenPort = 5\n'),
      '[Interface]\n# b\nListenPort = 5\n',
    );
  });

  it('that has to be true or false is neither', () => {
    assert.throws(() => stripConfig('[Interface]\nSaveConfig = perhaps\n'), {
      message: "`perhaps' is neither true nor false",
    });
  });
});
