/** The names of a network: all of them, as an administrator sees them, or what a host may see. */
import type { NetworkRecord } from '../store/port.ts';
import { namesOf, namesOfNetwork, type Names } from '../render/names.ts';
import { plainConfig } from '../render/plain.ts';
import type { HostCaller } from './credentials.ts';
import { hostsWithDue } from './due.ts';
import { findNetwork } from './networks.ts';
import type { RegistryPorts } from './ports.ts';
import { hostConfig } from './peers.ts';
import { done, refuse, type Result } from './result.ts';
import { viewOf } from './view.ts';

/** Names that nobody has read yet: who has seen those of this version need not. */
export interface UnreadNames {
  readonly network: NetworkRecord;
  readonly version: number;
  /** Those of the version, or later ones. */
  readonly read: () => Promise<Names>;
}

export async function listNames(networkName: string, ports: RegistryPorts): Promise<Result<UnreadNames>> {
  const network = await findNetwork(networkName, ports);
  if (!network.ok) return network;
  const read = async (): Promise<Names> => {
    const hosts = await hostsWithDue(network.value, ports);
    return namesOfNetwork(
      network.value,
      hosts.filter(({ deletedAt }) => deletedAt === null),
    );
  };
  return done({ network: network.value, version: network.value.version, read });
}

/** The same refusal for a network that there is not and for one that is not the host's. */
export async function namesFor(
  caller: HostCaller,
  networkName: string,
  ports: RegistryPorts,
): Promise<Result<UnreadNames>> {
  if (networkName !== caller.network.name) return refuse('not-found', `There is no network ${networkName}.`);
  const { network, version } = await viewOf(caller, ports);
  return done({ network, version, read: async () => namesOf(plainConfig(await hostConfig(caller, ports))) });
}
