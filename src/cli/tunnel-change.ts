/** From a configuration file to what a tunnel is told over the UAPI. Names are resolved on the way. */
import { formatEndpoint, type Config, type ConfigEndpoint } from '../config/config.ts';
import { configChange } from '../library/config-change.ts';
import type { Endpoint } from '../peer/endpoint.ts';
import type { TunnelChange } from '../tunnel/state.ts';
import { missingResolver, resolveEndpoint } from './resolve.ts';
import { readEndpoint, type EndpointPorts } from './wg/read-endpoint.ts';

/** What to do about a peer whose name has no address: ask again for a while and then give up, as wg(8), or do without. */
export type UnresolvedPolicy = 'fail' | 'warn';

/** The whole configuration: what the tunnel had before is replaced. */
export async function setConfigChange(
  ports: EndpointPorts,
  config: Config,
  options: { unresolved: UnresolvedPolicy },
): Promise<TunnelChange> {
  const written = config.peers.flatMap(({ endpoint }) => endpoint ?? []);
  const found = await Promise.all(
    written.map(async (endpoint) => [endpoint, await resolve(ports, endpoint, options)] as const),
  );
  const endpoints = new Map(found);
  return configChange(config, (endpoint) => endpoints.get(endpoint));
}

/** Undefined with a warning, or a WgError. */
async function resolve(
  ports: EndpointPorts,
  endpoint: ConfigEndpoint,
  options: { unresolved: UnresolvedPolicy },
): Promise<Endpoint | undefined> {
  if (options.unresolved === 'fail') return readEndpoint(ports, formatEndpoint(endpoint));
  const resolved = await resolveEndpoint(ports, endpoint);
  if (resolved === undefined) {
    const why = (await missingResolver(ports))?.message ?? 'Name or service not known';
    ports.terminal.stderr(
      `Warning: ${why}: \`${endpoint.host}'; the peer stays without an endpoint until it has an address.\n`,
    );
  }
  return resolved;
}
