/** From nothing to the first answer: starts a third daemon beside the initiator and pings the responder through it. */
import { randomBytes } from 'node:crypto';
import { formatEndpoint, OUTSIDE, type Pair } from '../../test/interop/pair.ts';

const INTERFACE = 'wg9';
const ADDRESS = '10.99.0.1';

/** What a start script does, as fast as a shell can; prints nanoseconds: from the start, and from there being a way. */
const SCRIPT = `
start=$(date +%s%N)
"$1" -f ${INTERFACE} >/dev/null 2>&1 &
until wg set ${INTERFACE} private-key "$2" peer "$3" endpoint "$4" allowed-ips "$5" 2>/dev/null; do :; done
ip address add ${ADDRESS}/32 dev ${INTERFACE}
ip link set ${INTERFACE} up
ip route add "$5" dev ${INTERFACE} src ${ADDRESS}
ready=$(date +%s%N)
until ping -n -c 1 -W 1 "$6" >/dev/null; do :; done
end=$(date +%s%N)
ip link delete ${INTERFACE}
wait
echo $((end - start)) $((end - ready))
`;

export interface FirstPacket {
  /** From the start of the daemon. */
  readonly fromStartMs: number;
  /** From when the interface was up: the handshake and one round trip. */
  readonly fromUpMs: number;
}

export async function firstPacket({ initiator, responder }: Pair): Promise<FirstPacket> {
  const { host, implementation } = initiator;
  const key = `/run/tmp/first-${randomBytes(4).toString('hex')}`;
  await host.output('sh', ['-c', `umask 077; wg genkey >${key}`]);
  const publicKey = (await host.output('sh', ['-c', `wg pubkey <${key}`])).trim();
  await responder.setPeer({ publicKey }, { allowedIps: [`${ADDRESS}/32`] });
  await responder.host.run('ip', ['route', 'replace', `${ADDRESS}/32`, 'dev', responder.interface]);
  // A second address of the responder inside, so that the way there is not the initiator's own tunnel.
  const inside = '10.98.0.2';
  await responder.host.run('ip', ['address', 'replace', `${inside}/32`, 'dev', responder.interface]);
  const endpoint = formatEndpoint(OUTSIDE.responder[4]);
  const args = ['-c', SCRIPT, 'sh', implementation.program, key, responder.publicKey, endpoint, `${inside}/32`, inside];
  const took = await host.output('sh', args, { env: implementation.env, timeoutMs: 60_000 });
  const [fromStart, fromUp] = took.split(' ').map((nanoseconds) => Number(nanoseconds) / 1e6);
  return { fromStartMs: fromStart!, fromUpMs: fromUp! }; // the script prints two
}
