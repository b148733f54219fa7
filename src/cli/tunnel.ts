/** Running tunnels as commands see them: through the UAPI, so ours and other implementations' alike. */
import type { PublicKey } from '../keys.ts';
import type { TunnelChange, TunnelState } from '../tunnel/state.ts';
import { formatSet, GET_REQUEST } from '../uapi/format-set.ts';
import { expectSuccess, parseGet } from '../uapi/parse-get.ts';
import type { Ports } from './ports.ts';

export async function describeTunnel(ports: Pick<Ports, 'uapi' | 'crypto'>, name: string): Promise<TunnelState> {
  return parseGet(await ports.uapi.exchange(name, GET_REQUEST), {
    derivePublicKey: (privateKey) => ports.crypto.publicKey(privateKey) as PublicKey, // 32 bytes by its contract
  });
}

export async function changeTunnel(ports: Pick<Ports, 'uapi'>, name: string, change: TunnelChange): Promise<void> {
  expectSuccess(await ports.uapi.exchange(name, formatSet(change)));
}
