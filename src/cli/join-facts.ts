/** What a host says of itself when it joins, out of the options of the command. */
import { parseEndpoint } from '../config/config.ts';
import { UserError } from '../errors.ts';
import { parseCidr } from '../ip.ts';
import { HostName, type EnrolRequest } from '../registry/wire.ts';
import type { Ports } from './ports.ts';

export interface JoinFacts {
  name?: string;
  endpoint?: string;
  listenPort?: number;
  routes?: string;
  exit?: string;
}

/** Throws a UserError (wrong usage) for what cannot be. */
export function readFacts(ports: Ports, options: JoinFacts): Omit<EnrolRequest, 'publicKey'> {
  const name = options.name ?? ports.processes.hostname.split('.', 1)[0]?.toLowerCase() ?? '';
  if (!HostName.safeParse(name).success)
    throw new UserError(`"${name}" cannot be the name of a host`, {
      remedy: 'Say another one with --name: letters, digits and hyphens, at most 63.',
      exitCode: 2,
    });
  const { listenPort } = options;
  const routes = (options.routes ?? '').split(',').flatMap((text) => text.trim() || []);
  const wrong = routes.find((route) => !route.includes('/') || parseCidr(route) === undefined);
  if (wrong !== undefined)
    throw new UserError(`--routes: "${wrong}" is no network`, { remedy: 'For example 172.27.88.0/24', exitCode: 2 });
  return {
    name,
    ...(options.endpoint === undefined ? {} : { endpoint: readEndpoint(options.endpoint, listenPort) }),
    ...(listenPort === undefined ? {} : { listenPort }),
    ...(routes.length === 0 ? {} : { routes }),
    ...(options.exit === undefined ? {} : { exit: options.exit }),
  };
}

function readEndpoint(text: string, listenPort: number | undefined): string {
  const whole = parseEndpoint(text) === undefined && listenPort !== undefined ? `${text}:${listenPort}` : text;
  if (parseEndpoint(whole) !== undefined) return whole;
  throw new UserError(`--endpoint: "${text}" is no endpoint`, {
    remedy: 'It is host:port or [IPv6 address]:port, for example dolores.example.net:55867',
    exitCode: 2,
  });
}
