/** Sends what src/agent/ composes to the registry that it is meant for. */
import type { RegistryAnswer, RegistryRequest } from '../agent/exchange.ts';
import type { Ports } from './ports.ts';

/** Throws a UserError when the registry cannot be reached. */
export async function callRegistry(
  ports: Pick<Ports, 'http'>,
  registry: string,
  { method, path, headers, body, timeoutMs }: RegistryRequest,
  signal?: AbortSignal,
): Promise<RegistryAnswer> {
  return ports.http.request({
    method,
    url: registry + path,
    headers,
    timeoutMs,
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  });
}
