/** Writing the running state of an interface into its file, as wg-quick(8) does for `save` and for SaveConfig. */
import type { InterfaceConfig } from '../../config/config.ts';
import { formatCidr, parseCidr } from '../../ip.ts';
import type { InterfaceFile } from '../config-file.ts';
import type { Ports } from '../ports.ts';
import { query, showStep } from '../steps.ts';
import { describeTunnel } from '../tunnel.ts';
import { formatState } from '../wg/showconf.ts';
import { zoneNames } from '../wg/zones.ts';
import { readDns } from './dns.ts';

/** What there is now of what wg(8) does not know. */
export interface Present {
  addresses: readonly string[];
  dns: readonly string[];
  mtu: number | undefined;
}

/** Hooks and Table are the file's; addresses, DNS, MTU (if the file has one), keys and peers are as they are now. */
export async function saveConfig(ports: Ports, file: InterfaceFile): Promise<void> {
  const { name, path, config } = file;
  const brief = await query(ports, ['ip', '-all', '-brief', 'address', 'show', 'dev', name]);
  const link = await query(ports, ['ip', 'link', 'show', 'dev', name]);
  const servers = await readDns(ports, name);
  const present: Present = {
    addresses: readAddresses(brief, config.interface),
    // Search domains alone are not set, and would be lost.
    dns: servers === undefined || servers.length === 0 ? config.interface.dns : servers,
    mtu: Number(/ mtu (\d+)/.exec(link)?.[1]) || undefined,
  };
  showStep(ports, `wg showconf ${name}`);
  const state = await describeTunnel(ports, name);
  const text = formatSaved(formatState(state, await zoneNames(ports, state.peers)), config.interface, present);
  if (file.isDamaged === true) {
    await ports.files.write(`${path}.old`, file.text, { mode: 0o600 });
    ports.terminal.stderr(`Warning: the file as it was is now ${path}.old\n`);
  }
  await ports.files.write(path, text, { mode: 0o600 });
}

/** @param shown What `wg showconf` writes. */
export function formatSaved(shown: string, config: InterfaceConfig, present: Present): string {
  const { table, saveConfig, preUp, postUp, preDown, postDown } = config;
  const entries = [
    ...present.addresses.map((address) => ['Address', address]),
    ...present.dns.map((value) => ['DNS', value]),
    ...(config.mtu === undefined || present.mtu === undefined ? [] : [['MTU', String(present.mtu)]]),
    ...(table === undefined ? [] : [['Table', table]]),
    ...(saveConfig ? [['SaveConfig', 'true']] : []),
    ...preUp.map((line) => ['PreUp', line]),
    ...postUp.map((line) => ['PostUp', line]),
    ...preDown.map((line) => ['PreDown', line]),
    ...postDown.map((line) => ['PostDown', line]),
  ];
  const lines = ['[Interface]', ...entries.map(([key, value]) => `${key} = ${value}`), ''].join('\n');
  return `${shown.replace('[Interface]\n', () => lines).trimEnd()}\n`;
}

/**
 * Link-local addresses that are not in the file are left out: the kernel made them up for the TUN device, and the next one gets
 * another.
 *
 * @param brief `wg0  UNKNOWN  10.0.0.1/24 fe80::1/64`, of `ip -brief address show`
 */
export function readAddresses(brief: string, config: InterfaceConfig): string[] {
  const written = new Set(config.addresses.map(formatCidr));
  return brief
    .split(/\s+/)
    .slice(2)
    .filter((text) => parseCidr(text) !== undefined && (!text.startsWith('fe80:') || written.has(text)));
}
