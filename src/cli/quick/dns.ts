/**
 * Name servers and search domains of an interface, as wg-quick(8) sets them: through resolvconf, or through systemd-resolved
 * where only that is there. While the interface is up, they are asked instead of all others.
 */
import { UserError } from '../../errors.ts';
import { parseAddress } from '../../ip.ts';
import type { Ports } from '../ports.ts';
import { runStep, tryStep, type CommandLine, type Step } from '../steps.ts';

type DnsPorts = Pick<Ports, 'processes' | 'terminal' | 'files'>;

export interface Dns {
  servers: readonly string[];
  searchDomains: readonly string[];
}

export type DnsBackend =
  /** `record`: what the interface is called there. */
  { type: 'resolvconf'; record: string } | { type: 'resolvectl' };

/** Debian's resolvconf(8) orders its records by the beginnings of their names. openresolv has no such file. */
const INTERFACE_ORDER = '/etc/resolvconf/interface-order';

/** The values of a DNS line are addresses or, all others, search domains. */
export function splitDns(dns: readonly string[]): Dns {
  const isServer = (text: string): boolean => text.includes(':') || parseAddress(text) !== undefined;
  return { servers: dns.filter(isServer), searchDomains: dns.filter((text) => !isServer(text)) };
}

export function dnsSteps(name: string, { servers, searchDomains }: Dns, backend: DnsBackend): readonly Step[] {
  if (backend.type === 'resolvectl')
    return [
      { command: ['resolvectl', 'dns', name, ...servers] },
      // `~.` sends the questions for all domains here.
      { command: ['resolvectl', 'domain', name, ...searchDomains, '~.'] },
    ];
  const search = searchDomains.length === 0 ? [] : [`search ${searchDomains.join(' ')}`];
  const lines = [...servers.map((server) => `nameserver ${server}`), ...search];
  // Metric 0 comes first, -x shuts out the rest.
  return [{ command: ['resolvconf', '-a', backend.record, '-m', '0', '-x'], input: `${lines.join('\n')}\n` }];
}

/** systemd-resolved forgets an interface when it goes. */
export function dnsRemoval(backend: DnsBackend): CommandLine | undefined {
  return backend.type === 'resolvconf' ? ['resolvconf', '-d', backend.record, '-f'] : undefined;
}

/** `tun.wg0` where Debian's resolvconf wants to see the kind of interface. @param order INTERFACE_ORDER, if it is there. */
export function recordName(name: string, order: string | undefined): string {
  const prefix = /^([a-z\d-]+)\*$/im.exec(order ?? '')?.[1];
  return prefix === undefined ? name : `${prefix}.${name}`;
}

/** Does nothing without a server: search domains alone have nobody to be asked. Whether it did something. */
export async function setDns(ports: DnsPorts, name: string, dns: readonly string[]): Promise<boolean> {
  const settings = splitDns(dns);
  if (settings.servers.length === 0) return false;
  const backend = await findBackend(ports, name);
  if (backend === undefined)
    throw new UserError('DNS cannot be set: there is neither resolvconf nor resolvectl on this host', {
      remedy: 'On Debian: apt-get install openresolv. Or take the DNS line out of the file.',
    });
  for (const step of dnsSteps(name, settings, backend)) await runStep(ports, step);
  return true;
}

export async function unsetDns(ports: DnsPorts, name: string, dns: readonly string[]): Promise<void> {
  if (splitDns(dns).servers.length === 0) return;
  const backend = await findBackend(ports, name);
  const removal = backend && dnsRemoval(backend);
  if (removal !== undefined) await tryStep(ports, removal);
}

/** What is set now, as values of DNS lines; undefined where that cannot be told. */
export async function readDns(ports: DnsPorts, name: string): Promise<string[] | undefined> {
  const backend = await findBackend(ports, name);
  if (backend?.type !== 'resolvconf') return undefined;
  const { exitCode, stdout } = await ports.processes.run('resolvconf', ['-l', backend.record]);
  // Debian's resolvconf has no -l, but a file for each record.
  return readRecord(
    exitCode === 0 ? stdout : ((await ports.files.read(`/etc/resolvconf/run/interface/${backend.record}`)) ?? ''),
  );
}

/** Servers and search domains of a record in the form of resolv.conf(5). */
export function readRecord(text: string): string[] {
  return [...text.matchAll(/^(?:nameserver|search)[ \t]+(.+)$/gm)].flatMap(([, values = '']) =>
    values.trim().split(/\s+/),
  );
}

async function findBackend({ processes, files }: DnsPorts, name: string): Promise<DnsBackend | undefined> {
  if (await processes.has('resolvconf'))
    return { type: 'resolvconf', record: recordName(name, await files.read(INTERFACE_ORDER)) };
  return (await processes.has('resolvectl')) ? { type: 'resolvectl' } : undefined;
}
