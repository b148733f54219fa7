/**
 * Enrolment, the host's side: the link a person pastes, the request made of it, and the answer read back.
 *
 * 1. `parseJoinLink` takes `vpn.example.net/pgt_...` apart.
 * 2. `createEnrolment` makes the request; the private key stays here, only its public key travels.
 * 3. `readEnrolment` checks that the answer is about this very host.
 *
 * A host that is in already does the same with its host key in place of a token, and reads the answer with `readReEnrolment`: it gets its
 * configuration again.
 */
import { UserError } from '../errors.ts';
import { isPrivate, parseAddress, parseCidr } from '../ip.ts';
import { Enrolled, HostConfig, type EnrolRequest } from '../registry/wire.ts';
import { isTooWide } from './credible-routes.ts';
import { jsonRequest, parseJson, refusal, type RegistryAnswer, type RegistryRequest } from './exchange.ts';

export interface JoinLink {
  /** URL of the registry without a trailing slash. */
  registry: string;
  /** Undefined when the link names the registry only. */
  token: string | undefined;
}

const TOKEN = /^pgt_[A-Za-z0-9_-]+$/;

/** `HOST/TOKEN`, `HOST`, or either as a URL. Without a scheme it is https, but http for a loopback or private address. */
export function parseJoinLink(text: string): JoinLink {
  if (TOKEN.test(text))
    throw new UserError('That is a token, without the address of its registry.', {
      remedy: 'Put the address before it: vpn.example.net/pgt_...',
      exitCode: 2,
    });
  const hasScheme = /^https?:\/\//i.test(text);
  const url = URL.parse(hasScheme ? text : `https://${text}`);
  if (url === null || url.hostname === '' || url.search !== '' || url.hash !== '' || url.username !== '')
    throw new UserError('That is not the address of a registry.', {
      remedy: 'It looks like vpn.example.net/pgt_... ; `peerage token` on the administrator’s side prints it.',
      exitCode: 2,
    });
  if (!hasScheme && isPrivateHost(url.hostname)) url.protocol = 'http:';
  const segments = url.pathname.split('/').filter((segment) => segment !== '');
  const token = TOKEN.test(segments.at(-1) ?? '') ? segments.pop() : undefined;
  return { registry: [url.origin, ...segments].join('/'), token };
}

/** Whether credentials would cross a network in the clear. */
export function isCleartext(registry: string): boolean {
  const url = new URL(registry);
  return url.protocol === 'http:' && !isPrivateHost(url.hostname);
}

/** Whether an address is one that only a local network can reach. No public certificate can be had for it. */
export function isPrivateAddress(text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && isPrivate(address);
}

/** `credential`: a token, or the host key of a host that is in already; `facts.publicKey` is its present one then. */
export function createEnrolment(credential: string, facts: EnrolRequest): RegistryRequest {
  return jsonRequest({ method: 'POST', path: '/v1/enroll', credential, body: facts });
}

/** Throws a UserError that says why this host was not taken. */
export function readEnrolment(answer: RegistryAnswer, facts: EnrolRequest): Enrolled {
  if (answer.status !== 201 && answer.status !== 200)
    throw refusal(
      answer,
      `enrol "${facts.name}"`,
      'A token works once and for a limited time: ask for a new one (`peerage token`).',
    );
  return expectCredible(Enrolled.safeParse(parseJson(answer.body)).data, facts);
}

/** The same for who asked with `hostKey`, which the answer does not repeat. Throws a UserError that says what to do instead. */
export function readReEnrolment(answer: RegistryAnswer, facts: EnrolRequest, hostKey: string): Enrolled {
  if (answer.status !== 200)
    throw refusal(
      answer,
      `get the configuration of "${facts.name}" again`,
      'If the registry has forgotten this host, enrol it anew with a token (`peerage token`).',
    );
  return { ...expectCredible(HostConfig.safeParse(parseJson(answer.body)).data, facts), hostKey };
}

/** Throws a UserError for what is no answer, or not about this host. */
function expectCredible<T extends HostConfig>(config: T | undefined, facts: EnrolRequest): T {
  if (config === undefined)
    throw new UserError('What answered is not a Peerage registry.', {
      remedy: 'Check the address: its page /healthz should answer.',
    });
  if (config.host.publicKey !== facts.publicKey)
    throw new UserError('The registry answered about another host.', {
      remedy: 'Do not use what it sent; tell its administrator.',
    });
  const tooWide = config.host.addresses.find((text) => isTooWide(parseCidr(text)));
  if (tooWide !== undefined)
    throw new UserError(`The registry gave this host the address ${tooWide}, which would draw foreign traffic.`, {
      remedy: 'Do not use what it sent; tell its administrator.',
    });
  return config;
}

export function createLeave(hostKey: string): RegistryRequest {
  return jsonRequest({ method: 'DELETE', path: '/v1/self', credential: hostKey });
}

/** True when the registry let the host go now, false when it did not know it any more. */
export function readLeave(answer: RegistryAnswer): boolean {
  if (answer.status === 401) return false;
  if (answer.status >= 200 && answer.status < 300) return true;
  throw refusal(answer, 'let this host go', '');
}

function isPrivateHost(hostname: string): boolean {
  return hostname === 'localhost' || isPrivateAddress(hostname.replace(/^\[(.*)\]$/, '$1'));
}
