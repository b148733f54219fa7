/**
 * Enrolment of a host that is in already, with proof that it is this one: its host key, and the public key that the others know it by.
 * It is what a machine does that has lost its configuration, or that never heard whether it came in. Nothing is made anew; what it
 * says of itself again counts as a report.
 */
import type { EnrolRequest, HostConfig } from '../wire.ts';
import type { HostCaller } from './credentials.ts';
import { parseEndpoint } from './endpoints.ts';
import type { RegistryPorts } from './ports.ts';
import { refuse, type Result } from './result.ts';
import { changeSelf } from './self.ts';

export async function reEnrol(
  caller: HostCaller,
  { name, publicKey, endpoint, ...said }: EnrolRequest,
  ports: RegistryPorts,
): Promise<Result<HostConfig>> {
  const { host } = caller;
  if (publicKey !== host.publicKey)
    return refuse(
      'key-differs',
      `The host ${host.name} has another public key. Announce the new one: POST /v1/rotate`,
      '/publicKey',
    );
  if (name !== host.name)
    return refuse(
      'invalid',
      `The host key is that of ${host.name}. Send this name, or enrol anew with a token.`,
      '/name',
    );
  if (endpoint === undefined) return changeSelf(caller, said, ports);
  const reached = parseEndpoint(endpoint, '/endpoint');
  return reached.ok ? changeSelf(caller, { ...said, endpoint: reached.value }, ports) : reached;
}
