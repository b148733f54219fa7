/** Names for one host, as answers to DNS queries. */
import { answerDns } from '../render/dns-answer.ts';
import { namesOf } from '../render/names.ts';
import { plainConfig } from '../render/plain.ts';
import type { HostCaller } from './credentials.ts';
import { hostConfig } from './peers.ts';
import type { RegistryPorts } from './ports.ts';
import { done, refuse, type Result } from './result.ts';

/** The host finds what it may see, as in its list of peers. */
export async function resolveFor(
  caller: HostCaller,
  message: Uint8Array,
  ports: RegistryPorts,
): Promise<Result<Uint8Array>> {
  const config = plainConfig(await hostConfig(caller, ports));
  const answer = answerDns(message, namesOf(config), config.network.ranges);
  return answer === undefined ? refuse('invalid', 'The message is no DNS query.', '/dns') : done(answer);
}
