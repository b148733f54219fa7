/** The names of a network: all of them, as an administrator sees them, or what a host may see. */
import { namesOf, namesOfNetwork, type Names } from '../render/names.ts';
import { plainConfig } from '../render/plain.ts';
import type { HostCaller } from './credentials.ts';
import { hostsWithDue } from './due.ts';
import { findNetwork } from './networks.ts';
import type { RegistryPorts } from './ports.ts';
import { hostConfig } from './peers.ts';
import { done, refuse, type Result } from './result.ts';

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

/** The same refusal for a network that there is not and for one that is not the host's. */
export async function namesFor(caller: HostCaller, networkName: string, ports: RegistryPorts): Promise<Result<Names>> {
  if (networkName !== caller.network.name) return refuse('not-found', `There is no network ${networkName}.`);
  return done(namesOf(plainConfig(await hostConfig(caller, ports))));
}
