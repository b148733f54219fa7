/** What a pair of tunnels has counted, when nothing is on its way any more. */
import { INITIATION_BYTES, RESPONSE_BYTES } from '../../../src/noise/messages.ts';
import { waitFor } from '../lab/wait.ts';
import type { Tunnel } from '../tunnel.ts';

export const KEEPALIVE_BYTES = 32;

/** Of either, while it takes a slow machine not more than minutes. */
const FEW = 4;

/**
 * Waits until each side has received all that the other has sent, and that is so many bytes of data, exactly. Handshakes and
 * passive keepalives come on top, more than one on a slow machine. Rejects when it never comes to that.
 */
export async function assertSent(
  [initiator, responder]: readonly [Tunnel, Tunnel],
  data: { initiator: number; responder: number },
): Promise<void> {
  let seen = '';
  await waitFor(
    'either side has received what the other has sent, and no more',
    async () => {
      const [left, right] = [await initiator.peer(responder), await responder.peer(initiator)];
      seen = `${left.txBytes} -> ${right.rxBytes}, ${left.rxBytes} <- ${right.txBytes}`;
      if (left.txBytes !== right.rxBytes || left.rxBytes !== right.txBytes) return false;
      const rests = [left.txBytes - data.initiator, right.txBytes - data.responder];
      return areHandshakes(rests[0]!, INITIATION_BYTES) && areHandshakes(rests[1]!, RESPONSE_BYTES);
    },
    { explain: () => seen },
  );
}

/** Whether so many bytes are one handshake message or a few, and a few keepalives. */
function areHandshakes(bytes: number, messageBytes: number): boolean {
  for (let keepalives = 0; keepalives < FEW; keepalives++) {
    const messages = (bytes - keepalives * KEEPALIVE_BYTES) / messageBytes;
    if (Number.isInteger(messages) && messages >= 1 && messages <= FEW) return true;
  }
  return false;
}
