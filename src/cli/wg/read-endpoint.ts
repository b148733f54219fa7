/** An endpoint as wg(8) reads it. A name that cannot be resolved for the moment is asked for again, as at boot. */
import { endpointAddress, parseEndpoint } from '../../config/config.ts';
import { UserError } from '../../errors.ts';
import { parseAddress } from '../../ip.ts';
import type { Endpoint } from '../../peer/endpoint.ts';
import type { Ports } from '../ports.ts';
import { missingResolver, resolveEndpoint } from '../resolve.ts';
import { lookUpPort } from './values.ts';
import { valueError, WgError } from './wg-error.ts';
import { isLinkLocal } from './zones.ts';

const DEFAULT_RETRIES = 15;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 20_000;
const LARGEST_INT = 0x7fff_ffff;

export type EndpointPorts = Pick<Ports, 'files' | 'names' | 'processes' | 'services' | 'terminal'>;

export async function readEndpoint(ports: EndpointPorts, text: string): Promise<Endpoint> {
  let retries = readRetries(ports.processes.env['WG_ENDPOINT_RESOLUTION_RETRIES']);
  const { host: written, service } = splitEndpoint(text);
  const host = written === '*' ? '::1' : written; // getaddrinfo(3): this host
  const port = await lookUpPort(ports, service);
  if (port === undefined) throw valueError('Servname not supported for ai_socktype', text);
  // The port does not matter here: 0 is no port of a configuration, but wg(8) takes it.
  const known = parseEndpoint(`${host.includes(':') ? `[${host}]` : host}:1`);
  if (known === undefined || hasStrangeZone(host)) throw valueError('Name or service not known', text);
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 1.2)) {
    // One attempt after the other is what is meant.
    // oxlint-disable-next-line no-await-in-loop
    const endpoint = await resolveEndpoint(ports, { host, port });
    if (endpoint !== undefined) return endpoint;
    // An address whose zone names no interface.
    if (endpointAddress({ host, port }) !== undefined) throw valueError('Name or service not known', text);
    // oxlint-disable-next-line no-await-in-loop
    const missing = await missingResolver(ports);
    if (missing !== undefined) throw missing;
    // oxlint-disable-next-line no-await-in-loop
    const { message, isTemporary } = await ports.names.whyUnresolved(host);
    if (!isTemporary || retries === 0) throw valueError(message, text);
    retries -= 1;
    const seconds = (pauseMs / 1000).toFixed(2);
    ports.terminal.stderr(`${message}: \`${text}'. Trying again in ${seconds} seconds...\n`);
    // oxlint-disable-next-line no-await-in-loop
    await ports.services.sleep(pauseMs);
  }
}

/** Only a link-local address can have the name of an interface as its zone; a number stands for itself. */
function hasStrangeZone(host: string): boolean {
  const [address = '', zone] = host.split('%', 2);
  if (zone === undefined || /^\d+$/.test(zone)) return false;
  const parsed = parseAddress(address);
  return parsed !== undefined && !isLinkLocal(parsed);
}

function splitEndpoint(text: string): { host: string; service: string } {
  if (text === '') throw new WgError('Unable to parse empty endpoint');
  const bracket = text.indexOf(']');
  if (text.startsWith('[') && bracket < 0) throw valueError('Unable to find matching brace of endpoint', text);
  const [host, service] = text.startsWith('[')
    ? [text.slice(1, bracket), text[bracket + 1] === ':' ? text.slice(bracket + 2) : '']
    : [
        text.slice(0, Math.max(0, text.lastIndexOf(':'))),
        text.includes(':') ? text.slice(text.lastIndexOf(':') + 1) : '',
      ];
  if (service === '') throw valueError('Unable to find port of endpoint', text);
  return { host, service };
}

function readRetries(text: string | undefined): number {
  if (text === undefined) return DEFAULT_RETRIES;
  if (text === 'infinity') return Infinity;
  const retries = /^\d*$/.test(text) ? Number(text) : Number.NaN;
  if (retries <= LARGEST_INT) return retries;
  const message = `Unable to parse WG_ENDPOINT_RESOLUTION_RETRIES: \`${text}'`;
  throw new UserError(message, { exitCode: 2, remedy: 'It is a number or "infinity".' });
}
