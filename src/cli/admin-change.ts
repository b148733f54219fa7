/** What an administrator changes of a host or a network: read it, decide, and write it, unless somebody else has meanwhile. */
import type { z } from 'zod';
import { HostView, NetworkView, type HostPatch, type NetworkPatch } from '../registry/wire.ts';
import { askRegistry, chooseNetwork, readLogin, type Login } from './admin.ts';
import type { Ports } from './ports.ts';

interface Change<View, Patch> {
  /** The only one, unless said. */
  readonly network: string | undefined;
  /** For the message when it fails: `set the tags of "teddy"`. */
  readonly intent: string;
  /** Undefined: it stays as it is. */
  readonly decide: (view: View, login: Login) => Patch | undefined | Promise<Patch | undefined>;
}

interface HostChange extends Change<HostView, HostPatch> {
  readonly host: string;
}

/** Resolves to the host as it is then. Throws a UserError when the registry refuses, or somebody was faster. */
export async function changeHost(ports: Ports, { host, ...change }: HostChange): Promise<HostView> {
  const below = `/hosts/${encodeURIComponent(host)}`;
  return readAndWrite(ports, change, { below, answer: HostView, versionOf: ({ version }) => version });
}

/** Resolves to the network as it is then. Throws like `changeHost`. */
export async function changeNetwork(ports: Ports, change: Change<NetworkView, NetworkPatch>): Promise<NetworkView> {
  return readAndWrite(ports, change, { below: '', answer: NetworkView, versionOf: ({ revision }) => revision });
}

async function readAndWrite<View, Patch>(
  ports: Ports,
  { network, intent, decide }: Change<View, Patch>,
  thing: { below: string; answer: z.ZodType<View>; versionOf: (view: View) => number },
): Promise<View> {
  const login = await readLogin(ports);
  const path = `/v1/networks/${encodeURIComponent(await chooseNetwork(ports, login, network))}${thing.below}`;
  const { answer } = thing;
  const view = await askRegistry(ports, login, { method: 'GET', path, answer, intent });
  const body = await decide(view, login);
  if (body === undefined) return view;
  return askRegistry(ports, login, {
    method: 'PATCH',
    path,
    body,
    ifMatch: `"${thing.versionOf(view)}"`,
    answer,
    intent,
  });
}
