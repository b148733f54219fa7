/** The TUN port in memory. */
import { MemoryTun } from '../../src/tunnel/memory-tun.ts';
import { tunConformance } from '../conformance/tun.ts';
import { UDP_HEADERS, udpPacket } from '../conformance/udp-packet.ts';

const LOCAL = '10.1.1.1';
const REMOTE = '10.1.1.2';
const PORT = 5353;

tunConformance('in memory', () => {
  const tun = new MemoryTun();
  return Promise.resolve({
    tun,
    local: LOCAL,
    remote: REMOTE,
    port: PORT,
    setLink: (state) => tun.setLink(state),
    setMtu: (mtu) => tun.setMtu(mtu),
    remove: () => tun.remove(),
    send: (payload) => tun.send(udpPacket({ from: LOCAL, to: REMOTE, port: PORT, payload })),
    receive: () => tun.receive()?.subarray(UDP_HEADERS),
    close: () => tun.close(),
  });
});
