/**
 * The files for systemd-networkd, given to systemd-networkd: in a network of its own, where it finds no bus and no other
 * file, and nothing else of systemd runs.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { renderConfig } from '../../../src/registry/render/formats.ts';
import { inNamespace } from '../../conformance/in-namespace.ts';
import { isUnprivileged } from '../../interop/lab/requirements.ts';
import { waitFor } from '../../interop/lab/wait.ts';
import { CONFIG, OPTIONS } from './some-config.ts';

const NETWORKD = '/lib/systemd/systemd-networkd';
/** This kernel may have no WireGuard: an interface of another kind, with a carrier, gets the addresses. */
const OTHER = 'veth0';

interface Address {
  local: string;
  prefixlen: number;
}

inNamespace(import.meta.url, [], () => {
  test('systemd-networkd understands every line, and gives the interface its addresses and routes', async (t) => {
    if (isUnprivileged) return t.skip('in the namespace of a user, systemd-networkd cannot become a user of its own');
    for (const folder of ['/etc/systemd/network', '/usr/lib/systemd/network', '/etc/wireguard']) {
      mkdirSync(folder, { recursive: true });
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder]);
    }
    // Where /sys is read-only there is no udev to wait for.
    execFileSync('mount', ['-t', 'sysfs', '-o', 'ro', 'sysfs', '/sys']);
    writeKey('/etc/wireguard/wg0.key');
    const [first, ...others] = CONFIG.peers;
    const exit = { ...first!, allowedIps: [...first!.allowedIps, '0.0.0.0/0', '::/0'] };
    const config = { ...CONFIG, peers: [exit, ...others] };
    writeFileSync('/etc/systemd/network/wg0.netdev', renderConfig('netdev', config, OPTIONS));
    const network = renderConfig('network', config, { ...OPTIONS, interface: OTHER });
    writeFileSync(`/etc/systemd/network/${OTHER}.network`, network);
    execFileSync('ip', ['link', 'add', OTHER, 'type', 'veth', 'peer', 'name', 'veth1']);
    execFileSync('ip', ['link', 'set', 'veth1', 'up']);

    const env = { ...process.env, SYSTEMD_LOG_LEVEL: 'debug', SYSTEMD_LOG_TARGET: 'console' };
    const networkd = spawn(NETWORKD, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    networkd.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    t.after(async () => {
      const ended = once(networkd, 'exit');
      networkd.kill('SIGKILL');
      await ended;
    });

    const explain = () => said;
    await waitFor('the tunnel is read', () => said.includes('wg0: loaded "wireguard"'), { explain });
    const expected = [...CONFIG.host.addresses].sort();
    await waitFor('the addresses are set', () => expected.every((address) => addresses().includes(address)), {
      explain,
    });
    await waitFor('the routes are set', () => ['172.27.88.0/24', 'fd99::/48'].every((to) => routes().includes(to)), {
      explain,
    });
    await waitFor('the exit has its rules', () => [4, 6].every((family) => hasExitRules(family)), { explain });
    for (const family of [4, 6])
      assert.equal(askIp<{ dst: string }>(`-${family}`, 'route', 'show', 'table', '51820')[0]?.dst, 'default');
    // `FILE:LINE: Unknown key ...`, and whatever else it may dislike.
    assert.doesNotMatch(said, /\/etc\/systemd\/network\/\S+:\d+:/);
  });
});

function writeKey(file: string): void {
  const group = Number(execFileSync('getent', ['group', 'systemd-network'], { encoding: 'utf8' }).split(':')[2]);
  writeFileSync(file, 'wM2Wnfr0lO2EzYOmJ60TEf6rp/JjqS4p4AaAdYOOjXA=\n');
  chownSync(file, 0, group);
  chmodSync(file, 0o640);
}

/** As wg-quick(8) has them: the main table without its default route, then the tunnel, but not for its own datagrams. */
function hasExitRules(family: number): boolean {
  const rules = askIp<Record<string, unknown>>(`-${family}`, 'rule', 'show');
  const main = rules.findIndex((rule) => rule['table'] === 'main' && rule['suppress_prefixlen'] === 0);
  const tunnel = rules.findIndex(
    (rule) => rule['table'] === '51820' && rule['not'] === null && rule['fwmark'] === '0xca6c',
  );
  return main >= 0 && main < tunnel;
}

function addresses(): string[] {
  const [link] = askIp<{ addr_info: Address[] }>('address', 'show', 'dev', OTHER);
  return (link?.addr_info ?? []).map(({ local, prefixlen }) => `${local}/${prefixlen}`);
}

function routes(): string[] {
  const all = [4, 6].flatMap((family) => askIp<{ dst: string }>(`-${family}`, 'route', 'show', 'dev', OTHER));
  return all.map(({ dst }) => dst);
}

function askIp<T>(...args: string[]): T[] {
  return JSON.parse(execFileSync('ip', ['-json', ...args], { encoding: 'utf8' })) as T[]; // as `ip -json` documents
}
