/** What a host says of itself later than at its enrolment: PATCH /v1/self. */
import { jsonRequest, parseJson, refusal } from '../agent/exchange.ts';
import { UserError } from '../errors.ts';
import { HostConfig, type SelfPatch } from '../registry/wire.ts';
import { expectInterfaceName } from './config-file.ts';
import { readMembership, type Membership } from './membership.ts';
import type { Ports } from './ports.ts';
import { callRegistry } from './registry-call.ts';

/** Throws a UserError for an interface that belongs to no registry. */
export async function expectMembership(ports: Ports, name: string): Promise<Membership> {
  expectInterfaceName(name);
  const membership = await readMembership(ports, name);
  if (membership !== undefined) return membership;
  throw new UserError(`"${name}" has not joined a network`, { remedy: 'Those that have: peerage status' });
}

/** The host as it is then. Throws a UserError with the registry's own words; `intent` completes "refused to ...". */
export async function changeSelf(
  ports: Ports,
  { registry, hostKey }: Membership,
  body: SelfPatch,
  intent: string,
): Promise<HostConfig['host']> {
  const request = jsonRequest({ method: 'PATCH', path: '/v1/self', credential: hostKey, body });
  const answer = await callRegistry(ports, registry, request);
  if (answer.status !== 200) throw refusal(answer, intent, 'It does not know this host any more: peerage status');
  const parsed = HostConfig.safeParse(parseJson(answer.body));
  if (parsed.success) return parsed.data.host;
  throw new UserError(`${registry} does not answer like a Peerage registry`);
}
