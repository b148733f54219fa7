/** Running tunnels as commands see them: through the UAPI, so ours and other implementations' alike. */
import type { PublicKey } from '../keys.ts';
import type { TunnelChange } from '../tunnel/state.ts';
import { formatSet, GET_REQUEST } from '../uapi/format-set.ts';
import { expectSuccess, parseGet, type GetAnswer } from '../uapi/parse-get.ts';
import type { Ports } from './ports.ts';
import { zoneIndex } from './resolve.ts';
import { formatEndpoint, zoneNames } from './wg/zones.ts';

export async function describeTunnel(
  ports: Pick<Ports, 'uapi' | 'crypto' | 'files'>,
  name: string,
): Promise<GetAnswer> {
  const answer = await ports.uapi.exchange(name, GET_REQUEST);
  const zones = await readZones(ports, answer);
  const crypto = await ports.crypto();
  return parseGet(answer, {
    derivePublicKey: (privateKey) => crypto.publicKey(privateKey) as PublicKey, // 32 bytes by its contract
    interfaceIndex: (zone) => zones.get(zone),
  });
}

export async function changeTunnel(
  ports: Pick<Ports, 'uapi' | 'files'>,
  name: string,
  change: TunnelChange,
): Promise<void> {
  const zones = await zoneNames(ports, change.peers ?? []);
  const request = formatSet(change, (endpoint) => formatEndpoint(endpoint, zones));
  expectSuccess(await ports.uapi.exchange(name, request));
}

/** wireguard-go writes the zone of a link-local endpoint as the name of its interface. */
async function readZones(ports: Pick<Ports, 'files'>, answer: string): Promise<Map<string, number>> {
  const zones = new Map<string, number>();
  for (const [, zone = ''] of answer.matchAll(/^endpoint=\[[^%\]]+%([^\]]+)\]/gm)) {
    const index = await zoneIndex(ports, zone);
    if (index !== undefined) zones.set(zone, index);
  }
  return zones;
}
