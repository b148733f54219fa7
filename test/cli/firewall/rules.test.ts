import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findFirewalldOpenings } from '../../../src/cli/firewall/firewalld.ts';
import { findIptablesOpenings } from '../../../src/cli/firewall/iptables.ts';
import { findNftOpenings } from '../../../src/cli/firewall/nftables.ts';
import { findUfwOpenings } from '../../../src/cli/firewall/ufw.ts';
import type { Opening } from '../../../src/cli/firewall/opening.ts';

const need = { interfaceName: 'wg0', listenPort: 55867 };

function commands(openings: readonly Opening[] | undefined): string[] | undefined {
  return openings?.map((opening) => opening.add.join(' '));
}

describe('nftables', () => {
  /** As `nft -j list ruleset` prints it. */
  function ruleset(policy: string, ...rules: (object[] | { in: string; expr: object[] })[]): string {
    const chain = { family: 'inet', table: 't', name: 'in', handle: 1, type: 'filter', hook: 'input', prio: 0, policy };
    return JSON.stringify({
      nftables: [
        { metainfo: { json_schema_version: 1 } },
        { chain },
        ...rules.map((rule, i) => {
          const { in: chain, expr } = Array.isArray(rule) ? { in: 'in', expr: rule } : rule;
          return { rule: { family: 'inet', table: 't', chain, handle: i + 2, expr } };
        }),
      ],
    });
  }
  const match = (left: object, right: unknown, op = '=='): object => ({ match: { op, left, right } });
  const dport = { payload: { protocol: 'udp', field: 'dport' } };
  const iifname = { meta: { key: 'iifname' } };
  const accept = { accept: null };
  const find = (text: string): number => findNftOpenings(text, need, { skipIptables: true }).length;

  it('a chain that lets everything through needs nothing', () => {
    assert.equal(find(ruleset('accept')), 0);
    assert.equal(find(''), 0);
  });

  it('a chain that drops, by policy or by its last rule, needs both rules', () => {
    assert.equal(find(ruleset('drop')), 2);
    assert.equal(find(ruleset('accept', [{ counter: {} }, { reject: { type: 'icmpx' } }])), 2);
    assert.deepEqual(commands(findNftOpenings(ruleset('drop'), need, { skipIptables: true })), [
      'nft insert rule inet t in udp dport 55867 accept comment "peerage wg0"',
      'nft insert rule inet t in iifname "wg0" accept comment "peerage wg0"',
    ]);
  });

  it('knows a rule that accepts them, however it is written', () => {
    for (const rule of [
      [match(dport, 55_867), accept],
      [match(dport, { set: [53, { range: [50_000, 60_000] }] }), { counter: {} }, accept],
      [
        match({ meta: { key: 'l4proto' } }, 'udp'),
        match({ payload: { protocol: 'th', field: 'dport' } }, 55_867),
        accept,
      ],
    ])
      assert.equal(find(ruleset('drop', rule, [match(iifname, 'wg*'), accept])), 0);
  });

  it('reads rules in their order: the first that decides counts', () => {
    const both = [
      [match(dport, 55_867), accept],
      [match(iifname, 'wg0'), accept],
    ];
    const drop = [{ drop: null }];
    assert.equal(find(ruleset('accept', ...both, drop)), 0);
    assert.equal(find(ruleset('accept', drop, ...both)), 2);
    assert.equal(find(ruleset('drop', [match(dport, 55_867), { drop: null }], ...both)), 1);
    assert.equal(find(ruleset('accept', [match(dport, 55_867), { reject: {} }])), 1);
    // What drops a part, or what is said of others, leaves the rest to the rules below it.
    const saddr = { payload: { protocol: 'ip', field: 'saddr' } };
    assert.equal(find(ruleset('drop', [match(saddr, '10.0.0.1'), { drop: null }], ...both)), 0);
    assert.equal(find(ruleset('drop', [{ return: null }], ...both)), 2);
  });

  it('follows jumps into other chains, and comes back from them', () => {
    const both = [
      { in: 'other', expr: [match(dport, 55_867), accept] },
      { in: 'other', expr: [match(iifname, 'wg0'), accept] },
    ];
    const to = (verdict: string) => [{ [verdict]: { target: 'other' } }];
    assert.equal(find(ruleset('drop', ...both)), 2);
    assert.equal(find(ruleset('drop', ...both, to('jump'))), 0);
    assert.equal(find(ruleset('drop', ...both, to('goto'))), 0);
    assert.equal(find(ruleset('drop', ...both, [match({ payload: {} }, 1), ...to('jump')])), 2);
    const empty = { in: 'other', expr: [{ counter: {} }] };
    assert.equal(find(ruleset('drop', empty, to('jump'), [accept])), 0);
    assert.equal(find(ruleset('drop', empty, to('goto'), [accept])), 2);
    assert.equal(find(ruleset('accept', { in: 'other', expr: [{ drop: null }] }, to('jump'))), 2);
    assert.equal(find(ruleset('drop', { in: 'other', expr: [{ return: null }] }, to('jump'), [accept])), 0);
  });

  it('is not content with one that accepts less', () => {
    for (const rule of [
      [match(dport, 55_868), accept],
      [match(dport, 55_867, '!='), accept],
      [match(dport, 55_867), { drop: null }],
      [match(dport, 55_867), { limit: { rate: 5 } }, accept],
      [match(dport, 55_867), match({ payload: { protocol: 'ip', field: 'saddr' } }, '10.0.0.1'), accept],
    ])
      assert.equal(find(ruleset('drop', rule, [match(iifname, { set: ['wg0', 'lo'] }), accept])), 1);
  });
});

describe('iptables', () => {
  it('knows its own rules and those of others, and asks for what is missing', () => {
    const rules =
      '-P INPUT DROP\n-A INPUT -i wg0 -m comment --comment "a b" -j ACCEPT\n-A INPUT -s 10.0.0.0/8 -p udp -m udp --dport 55867 -j ACCEPT\n';
    assert.deepEqual(commands(findIptablesOpenings('iptables', rules, need)), [
      'iptables -I INPUT -p udp -m udp --dport 55867 -m comment --comment peerage wg0 -j ACCEPT',
    ]);
    assert.deepEqual(findIptablesOpenings('iptables', '-P INPUT ACCEPT\n', need), []);
    const rejecting = '-P INPUT ACCEPT\n-A INPUT -j REJECT --reject-with icmp-port-unreachable\n';
    assert.equal(findIptablesOpenings('ip6tables', rejecting, need).length, 2);
  });
});

describe('ufw', () => {
  /** Recorded from ufw 0.36.2. */
  const STATUS = `Status: active
Logging: on (low)
Default: deny (incoming), allow (outgoing), disabled (routed)
New profiles: skip

To                         Action      From
--                         ------      ----
50000:50010/udp            ALLOW IN    Anywhere                  
55867/udp                  ALLOW IN    10.0.0.0/8                
78/udp                     DENY IN     Anywhere                  
Anywhere on wg1            ALLOW IN    Anywhere                   # mine
Anywhere (v6) on wg0       ALLOW IN    Anywhere (v6)             
`;

  it('reads its status', () => {
    assert.equal(findUfwOpenings('Status: inactive\n', need), undefined);
    assert.equal(findUfwOpenings('', need), undefined);
    assert.deepEqual(commands(findUfwOpenings(STATUS, need)), [
      'ufw allow 55867/udp comment peerage wg0',
      'ufw allow in on wg0 comment peerage wg0',
    ]);
    assert.deepEqual(findUfwOpenings(STATUS, { interfaceName: 'wg1', listenPort: 50_005 }), []);
    assert.deepEqual(findUfwOpenings(STATUS.replace('deny (incoming)', 'allow (incoming)'), need), []);
  });
});

describe('firewalld', () => {
  /** Answers as firewall-cmd(1) documents them. */
  function firewallCmd(answers: Readonly<Record<string, string>>) {
    const run = async (program: string, args: readonly string[]) => {
      const stdout = program === 'firewall-cmd' ? answers[args.join(' ')] : undefined;
      return { exitCode: stdout === undefined ? 1 : 0, stdout: stdout ?? '', stderr: '' };
    };
    return { processes: { run }, terminal: {} } as unknown as Parameters<typeof findFirewalldOpenings>[0]; // all it uses
  }

  it('is asked, and answered with rules that are gone when it restarts', async () => {
    assert.equal(await findFirewalldOpenings(firewallCmd({}), need), undefined);
    const openings = await findFirewalldOpenings(firewallCmd({ '--state': 'running\n' }), need);
    assert.deepEqual(commands(openings), [
      'firewall-cmd --add-port=55867/udp',
      'firewall-cmd --zone=trusted --add-interface=wg0',
    ]);
    assert.deepEqual(openings?.[1]?.remove, {
      type: 'command',
      command: ['firewall-cmd', '--zone=trusted', '--remove-interface=wg0'],
    });
  });

  it('leaves a zone that the administrator chose', async () => {
    const answers = {
      '--state': 'running\n',
      '--query-port=55867/udp': 'yes\n',
      '--get-zone-of-interface=wg0': 'internal\n',
    };
    assert.deepEqual(await findFirewalldOpenings(firewallCmd(answers), need), []);
  });
});
