/** What the registry says of this host, and whether it still takes its key. */
import { isProblem, jsonRequest, parseJson, problemDetail } from '../agent/exchange.ts';
import { UserError } from '../errors.ts';
import { HostConfig } from '../registry/wire.ts';
import type { Membership } from './membership.ts';
import type { Ports } from './ports.ts';
import { callRegistry } from './registry-call.ts';

export interface AboutSelf {
  state: 'reachable' | 'unreachable' | 'refused';
  reason?: string;
  /** When it is reachable. */
  config?: HostConfig;
}

export async function askAboutSelf(
  ports: Ports,
  { registry, hostKey }: Membership,
  timeoutMs: number,
): Promise<AboutSelf> {
  const path = '/v1/config?format=json';
  const request = { ...jsonRequest({ method: 'GET', path, credential: hostKey }), timeoutMs };
  try {
    const answer = await callRegistry(ports, registry, request);
    const config = answer.status === 200 ? HostConfig.safeParse(parseJson(answer.body)).data : undefined;
    if (config !== undefined) return { state: 'reachable', config };
    const reason = problemDetail(answer) ?? `HTTP ${answer.status}`;
    return { state: answer.status === 401 && isProblem(answer) ? 'refused' : 'unreachable', reason };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { state: 'unreachable', reason: error.message };
  }
}
