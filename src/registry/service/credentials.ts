/**
 * Credentials: `pga_` for administrators, `pgt_` for enrolment, `pgh_` for hosts, then 256 random bits in base64url. The
 * first eight characters of those name the credential and find its row; the whole is stored as its SHA-256 only.
 */
import { decodeHex, encodeBase64Url, encodeHex, encodeUtf8, equalBytes } from '../../bytes.ts';
import type { CredentialRecord, HostRecord, NetworkRecord, TokenRecord } from '../store/port.ts';
import { collectDue, hasExpired, noteSeen } from './due.ts';
import type { RegistryPorts } from './ports.ts';
import { done, refuse, UNAUTHORIZED, type Result } from './result.ts';

export type Role = 'admin' | 'token' | 'host';

const SECRET_BYTES = 32;
const PREFIXES: Readonly<Record<Role, string>> = { admin: 'pga_', token: 'pgt_', host: 'pgh_' };
const CREDENTIAL = /^pg[ath]_[A-Za-z0-9_-]{43}$/;
const ID_LENGTH = 'pgt_'.length + 8;
/** The hash of no credential: compared with when there is no row, so that the work is the same. */
const NO_HASH = '0'.repeat(64);

export interface Credential {
  /** Shown once, kept nowhere. */
  readonly text: string;
  readonly record: CredentialRecord;
}

/** What a caller does is written down with the request that asked for it. */
interface Asking {
  readonly requestId?: string | undefined;
}

export interface AdminCaller extends Asking {
  /** For the audit trail. */
  readonly actor: string;
}

export interface TokenHolder extends Asking {
  readonly token: TokenRecord;
  readonly network: NetworkRecord;
}

export interface HostCaller extends Asking {
  readonly credentialId: string;
  readonly host: HostRecord;
  /** As it was when the caller was looked up. */
  readonly network: NetworkRecord;
}

export async function issueCredential(
  role: Role,
  ports: Pick<RegistryPorts, 'random' | 'sha256'>,
): Promise<Credential> {
  const text = PREFIXES[role] + encodeBase64Url(ports.random(SECRET_BYTES));
  return { text, record: { id: text.slice(0, ID_LENGTH), hash: await hashOf(text, ports) } };
}

/** The key of the first administrator, or undefined when there is an administrator already. */
export async function issueFirstAdminKey(ports: RegistryPorts): Promise<string | undefined> {
  const { text, record } = await issueCredential('admin', ports);
  const added = await ports.store.addFirstAdmin(record, { actor: 'setup', at: ports.wall() });
  return added ? text : undefined;
}

export async function authenticateAdmin(text: string, ports: RegistryPorts): Promise<Result<AdminCaller>> {
  const id = idOf(text, 'admin');
  if (typeof id !== 'string') return id;
  const found = (await ports.store.findAdmin(id)) ?? configuredAdmin(id, ports);
  if (!(await matches(text, found, ports)) || found === undefined) return UNAUTHORIZED;
  return done({ actor: `admin:${found.id}` });
}

function configuredAdmin(id: string, { adminKeyHash: hash }: RegistryPorts): CredentialRecord | undefined {
  return hash === undefined ? undefined : { id, hash };
}

export async function authenticateHost(text: string, ports: RegistryPorts): Promise<Result<HostCaller>> {
  const caller = await authenticateExpiredToo(text, ports);
  return caller.ok ? refuseExpired(caller.value, ports) : caller;
}

/** For what a host may do although its time is up. */
export async function authenticateExpiredToo(text: string, ports: RegistryPorts): Promise<Result<HostCaller>> {
  const id = idOf(text, 'host');
  if (typeof id !== 'string') return id;
  const found = await ports.store.findHostByCredential(id);
  if (!(await matches(text, found?.credential, ports)) || found === undefined) return UNAUTHORIZED;
  const { host, network } = found;
  await noteSeen(host, network, ports);
  if (await collectDue(network, ports)) return findAgain(id, ports);
  return done({ credentialId: id, host, network });
}

/** A host that was let in before, with its record and network as they are now. */
export async function authenticateAgain(
  { credentialId }: Pick<HostCaller, 'credentialId'>,
  ports: RegistryPorts,
): Promise<Result<HostCaller>> {
  const caller = await findAgain(credentialId, ports);
  if (!caller.ok) return caller;
  const { host, network } = caller.value;
  // In this order: whoever listens must not be collected for its silence.
  await noteSeen(host, network, ports);
  const present = (await collectDue(network, ports)) ? await findAgain(credentialId, ports) : caller;
  return present.ok ? refuseExpired(present.value, ports) : present;
}

async function findAgain(credentialId: string, ports: RegistryPorts): Promise<Result<HostCaller>> {
  const found = await ports.store.findHostByCredential(credentialId);
  return found === undefined ? UNAUTHORIZED : done({ credentialId, host: found.host, network: found.network });
}

function refuseExpired(caller: HostCaller, { wall }: RegistryPorts): Result<HostCaller> {
  if (!hasExpired(caller.host, wall())) return done(caller);
  return refuse('host-expired', `The time of the host ${caller.host.name} is up. Renew it: POST /v1/renew`);
}

/** Whether the token is good now. Its use is claimed by the store, which checks again. */
export async function authenticateToken(text: string, ports: RegistryPorts): Promise<Result<TokenHolder>> {
  const id = idOf(text, 'token');
  if (typeof id !== 'string') return id;
  const found = await ports.store.findToken(id);
  if (!(await matches(text, found?.token, ports)) || found === undefined) return UNAUTHORIZED;
  // A host whose time is over must not keep its name from the one that comes.
  const present = (await collectDue(found.network, ports)) ? await ports.store.findToken(id) : found;
  return present !== undefined && isGood(present.token, ports.wall()) ? done(present) : UNAUTHORIZED;
}

export function isGood(token: TokenRecord, now: number): boolean {
  return token.remaining > 0 && token.expiresAt > now && token.revokedAt === null;
}

/** The public part; a refusal for what is no credential, or one of another role: which role its own prefix tells anyone. */
function idOf(text: string, role: Role) {
  if (!CREDENTIAL.test(text)) return UNAUTHORIZED;
  if (!text.startsWith(PREFIXES[role]))
    return refuse('forbidden', `This needs a credential that begins with ${PREFIXES[role]}, and got another kind.`);
  return text.slice(0, ID_LENGTH);
}

async function matches(text: string, record: CredentialRecord | undefined, ports: RegistryPorts): Promise<boolean> {
  const given = decodeHex(await hashOf(text, ports));
  const stored = decodeHex(record?.hash ?? NO_HASH);
  return given !== undefined && stored !== undefined && equalBytes(given, stored);
}

async function hashOf(text: string, ports: Pick<RegistryPorts, 'sha256'>): Promise<string> {
  return encodeHex(await ports.sha256(encodeUtf8(text)));
}
