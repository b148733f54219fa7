import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Host } from '../../interop/lab/host.ts';
import { Lab } from '../../interop/lab/lab.ts';
import { labOptions } from '../../interop/lab/requirements.ts';

/** Two hosts with a tunnel between them; the second speaks first, to a port that the first one's firewall may block. */
describe('the firewall of a host', labOptions('wg', 'nft'), () => {
  let lab: Lab;
  let host: Host;
  let other: Host;

  before(async () => {
    lab = await Lab.open();
    [host, other] = [await lab.host('host'), await lab.host('other')];
    const wire = await lab.switch();
    await lab.connect(host, wire, { addresses: ['192.0.2.1/24'] });
    await lab.connect(other, wire, { addresses: ['192.0.2.2/24'] });
    const keys = await Promise.all([makeKey(host), makeKey(other)]);
    await configure(host, 1, `ListenPort = 51999\n[Peer]\nPublicKey = ${keys[1]}\nAllowedIPs = 10.9.0.2/32\n`);
    await configure(
      other,
      2,
      `[Peer]\nPublicKey = ${keys[0]}\nAllowedIPs = 10.9.0.1/32\nEndpoint = 192.0.2.1:51999\nPersistentKeepalive = 1\n`,
    );
  });
  beforeEach(async () => other.output('peerage', ['up', 'wg0']));
  afterEach(async () => other.output('peerage', ['down', 'wg0']));
  after(async () => lab[Symbol.asyncDispose]());

  async function makeKey(of: Host): Promise<string> {
    const script = 'umask 077; peerage genkey > /etc/wireguard/wg0.key; peerage pubkey < /etc/wireguard/wg0.key';
    return (await of.output('sh', ['-c', script])).trim();
  }

  async function configure(of: Host, number: number, rest: string): Promise<void> {
    const own = `[Interface]\nAddress = 10.9.0.${number}/24\nPostUp = wg set %i private-key /etc/wireguard/wg0.key\n`;
    await of.output('sh', ['-c', 'umask 077; cat > /etc/wireguard/wg0.conf'], { input: own + rest });
  }

  /** The commands that `up` proposes are those that it runs when it is asked to, and they are what was missing. */
  async function checkProposed(ruleset: () => Promise<string>): Promise<void> {
    const before = await ruleset();
    const { stderr } = await host.run('peerage', ['up', 'wg0']);
    assert.equal(await ruleset(), before, 'only told, not done');
    const proposed = [...stderr.matchAll(/^ {2}(.*)$/gm)].map((match) => match[1]!);
    assert.equal(proposed.length, 2, stderr);
    assert.equal(await other.canPing('10.9.0.1'), false);
    for (const line of proposed) await host.output('sh', ['-c', line]);
    await other.waitFor('the other host gets in', () => other.canPing('10.9.0.1'));
    await host.output('peerage', ['down', 'wg0']);
    assert.notEqual(await ruleset(), before, 'rules that a person added stay');
  }

  /** What `--open-firewall` adds is enough, and `down` takes exactly that away. */
  async function checkOpened(ruleset: () => Promise<string>): Promise<void> {
    const before = await ruleset();
    await host.output('peerage', ['up', 'wg0', '--open-firewall']);
    await other.waitFor('the other host gets in', () => other.canPing('10.9.0.1'));
    await host.output('peerage', ['down', 'wg0']);
    assert.equal(await ruleset(), before, 'exactly what was added is gone');
    assert.equal((await host.run('ls', ['/var/lib/peerage/wg0.firewall.json'])).exitCode, 2);
  }

  const POLICY_DROP = `table inet filter {
    chain input {
      type filter hook input priority filter; policy drop;
      ct state established,related accept
      iif lo accept
      icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
      tcp dport 22 accept
    }
  }`;

  describe('of nftables', () => {
    const ruleset = (): Promise<string> => host.output('nft', ['list', 'ruleset']);
    beforeEach(() => host.output('nft', ['-f', '-'], { input: POLICY_DROP }));
    afterEach(() => host.output('nft', ['flush', 'ruleset']));

    it('is opened and closed again', () => checkOpened(ruleset));
    it('is left alone but for telling what is missing', () => checkProposed(ruleset));
  });

  describe('of iptables', () => {
    const ruleset = async (): Promise<string> =>
      (await host.output('iptables', ['-S'])) + (await host.output('ip6tables', ['-S']));
    beforeEach(() => host.output('iptables', ['-P', 'INPUT', 'DROP']));
    afterEach(() => host.output('nft', ['flush', 'ruleset']));

    it('is opened and closed again', () => checkOpened(ruleset));
  });

  describe('of ufw', labOptions('ufw'), () => {
    const ruleset = (): Promise<string> => host.output('ufw', ['status', 'verbose']);
    beforeEach(() => host.output('sh', ['-c', 'mkdir -p /var/lib/ufw; ufw --force reset; ufw --force enable']));
    afterEach(() => host.output('ufw', ['disable']));

    it('is opened and closed again', () => checkOpened(ruleset));
  });

  it('that is open is not spoken of', async () => {
    const { stderr } = await host.run('peerage', ['up', 'wg0']);
    assert.doesNotMatch(stderr, /does not let in/);
    await host.output('peerage', ['down', 'wg0']);
  });
});
