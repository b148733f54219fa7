/** All hosts of a network, however many pages they come in. */
import { HostList, type HostView } from '../registry/wire.ts';
import { askRegistry, type Login } from './admin.ts';
import type { Ports } from './ports.ts';

export async function listHosts(ports: Ports, login: Login, network: string): Promise<HostView[]> {
  const hosts: HostView[] = [];
  let query = '';
  for (;;) {
    const path = `/v1/networks/${encodeURIComponent(network)}/hosts${query}`;
    const request = { method: 'GET', path, answer: HostList, intent: 'list the hosts' } as const;
    const page = await askRegistry(ports, login, request);
    hosts.push(...page.hosts);
    if (page.next === null) return hosts;
    query = `?after=${page.next}`;
  }
}
