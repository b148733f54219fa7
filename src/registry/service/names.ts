/** The names of a whole network, as an administrator sees them. What a host sees of them is in its configuration. */
import { namesOfNetwork, type Names } from '../render/names.ts';
import { hostsWithDue } from './due.ts';
import { findNetwork } from './networks.ts';
import type { RegistryPorts } from './ports.ts';
import { done, type Result } from './result.ts';

export async function listNames(networkName: string, ports: RegistryPorts): Promise<Result<Names>> {
  const network = await findNetwork(networkName, ports);
  if (!network.ok) return network;
  const hosts = await hostsWithDue(network.value, ports);
  return done(
    namesOfNetwork(
      network.value,
      hosts.filter(({ deletedAt }) => deletedAt === null),
    ),
  );
}
