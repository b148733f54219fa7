/** The UDP port in memory. */
import { parseAddress } from '../../src/ip.ts';
import { MemoryNetwork } from '../../src/tunnel/memory-udp.ts';
import { udpConformance } from '../conformance/udp.ts';

udpConformance('in memory', () => {
  const network = new MemoryNetwork();
  const addresses = (...texts: string[]) => texts.map((text) => parseAddress(text)!);
  return {
    a: network.createUdp(addresses('192.0.2.1', '2001:db8::1')),
    b: network.createUdp(addresses('192.0.2.2', '192.0.2.3', '2001:db8::2')),
    v4: '192.0.2.2',
    secondV4: '192.0.2.3',
    v6: '2001:db8::2',
  };
});
