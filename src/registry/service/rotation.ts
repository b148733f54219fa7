/**
 * Rotation of a host's key pair. The host announces its next public key and keeps the old one in use until it says that it
 * uses the new one; so whatever goes wrong in between, the key that the others know is one that the host has.
 */
import type { HostConfig, Rotation } from '../wire.ts';
import type { HostCaller } from './credentials.ts';
import { viewHostConfig } from './peers.ts';
import type { RegistryPorts } from './ports.ts';
import { isLowOrder } from './public-keys.ts';
import { done, refuse, UNAUTHORIZED, type Result } from './result.ts';
import { whoSees } from './sight.ts';

export async function rotate(
  { host, network, requestId }: HostCaller,
  { publicKey, use }: Rotation,
  ports: RegistryPorts,
): Promise<Result<HostConfig>> {
  if (isLowOrder(publicKey))
    return refuse('invalid', 'No private key has this public key. Send what wg pubkey prints.', '/publicKey');
  const act = { actor: `host:${host.name}`, requestId, at: ports.wall() };
  let present = host;
  // Said twice, because the answer was lost: there is nothing left to do.
  const isDone = publicKey === host.publicKey && host.nextPublicKey === null;
  if (!isDone && publicKey !== host.nextPublicKey) {
    // Its present key: the announcement is taken back.
    const next = publicKey === host.publicKey ? null : publicKey;
    const announced = await ports.store.announceKey(host, next, act);
    if (announced === undefined) return UNAUTHORIZED;
    if ('conflict' in announced) return refuseKey();
    present = announced;
  }
  if (use === true && present.nextPublicKey === publicKey) {
    const used = await ports.store.useAnnouncedKey(present, act);
    if (used === undefined) return UNAUTHORIZED;
    if ('conflict' in used) return refuseKey();
    present = used;
  }
  if (present !== host) ports.bell.ring(network.id, present.version, whoSees([present], network.rules));
  const others = await ports.store.listHosts(network.id);
  return done(viewHostConfig({ host: present, network, version: present.version }, others));
}

function refuseKey() {
  return refuse('key-in-use', 'This public key cannot be used. Generate a new private key.', '/publicKey');
}
