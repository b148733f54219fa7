/** What an administrator changes of a host: read it, decide, and write it, unless somebody else has meanwhile. */
import { HostView, type HostPatch } from '../registry/wire.ts';
import { askRegistry, chooseNetwork, readLogin } from './admin.ts';
import type { Ports } from './ports.ts';

interface HostChange {
  readonly host: string;
  /** The only one, unless said. */
  readonly network: string | undefined;
  /** For the message when it fails: `set the tags of "teddy"`. */
  readonly intent: string;
  /** Undefined: it stays as it is. */
  readonly decide: (view: HostView) => HostPatch | undefined | Promise<HostPatch | undefined>;
}

/** Resolves to the host as it is then. Throws a UserError when the registry refuses, or somebody was faster. */
export async function changeHost(ports: Ports, { host, network, intent, decide }: HostChange): Promise<HostView> {
  const login = await readLogin(ports);
  const chosen = await chooseNetwork(ports, login, network);
  const path = `/v1/networks/${encodeURIComponent(chosen)}/hosts/${encodeURIComponent(host)}`;
  const view = await askRegistry(ports, login, { method: 'GET', path, answer: HostView, intent });
  const body = await decide(view);
  if (body === undefined) return view;
  const request = { method: 'PATCH', path, body, ifMatch: `"${view.version}"`, answer: HostView, intent } as const;
  return askRegistry(ports, login, request);
}
