/**
 * A program for hosts that are not Node: two devices of the package, a handshake and a packet each way, and nothing but what
 * every JavaScript host has. The tests bundle it without any polyfill.
 */
import {
  createDevice,
  createTunnel,
  generateKeyPair,
  HEADROOM,
  MemoryNetwork,
  MemoryTun,
  nobleCrypto,
  parseAddress,
  parseCidr,
  parseConfigOrThrow,
  parseEndpoint,
  TAILROOM,
  type Tunnel,
} from 'peerage';

/** What both tests expect of it. */
export const EXPECTED = 'noble: question answered; 212 bytes to b, 156 to a';

/** Resolves to EXPECTED. */
export async function probe(): Promise<string> {
  const network = new MemoryNetwork();
  const a = host('192.0.2.1');
  const b = host('192.0.2.2');
  a.tunnel.configure({
    privateKey: a.privateKey,
    peers: [{ publicKey: b.publicKey, endpoint: parseEndpoint('192.0.2.2:51820')!, allowedIps: allow('10.0.0.2') }],
  });
  b.tunnel.configure({
    privateKey: b.privateKey,
    listenPort: 51820,
    peers: [{ publicKey: a.publicKey, allowedIps: allow('10.0.0.1') }],
  });
  for (const { tun } of [a, b]) tun.setLink('up');

  b.tun.onHostReadable(() => {
    b.tun.receive();
    b.tun.send(packet('10.0.0.2', '10.0.0.1', 'answered'));
  });
  const answer = new Promise<Uint8Array>((resolve) => a.tun.onHostReadable(() => resolve(a.tun.receive()!)));
  a.tun.send(packet('10.0.0.1', '10.0.0.2', 'question'));
  const text = new TextDecoder().decode((await answer).subarray(20));
  const received = ({ tunnel }: { tunnel: Tunnel }) => tunnel.describe().peers[0]!.rxBytes;
  const summary = `${nobleCrypto.name}: question ${text}; ${received(b)} bytes to b, ${received(a)} to a`;
  await Promise.all([a.tunnel.close(), b.tunnel.close()]);
  checkPureParts();
  return summary;

  function host(outer: string) {
    const tun = new MemoryTun();
    const tunnel = createTunnel({ tun, udp: network.createUdp([parseAddress(outer)!]) });
    return { tun, tunnel, ...generateKeyPair() };
  }
}

/** The state machine without a loop, and a configuration file. Throws when they fail. */
function checkPureParts(): void {
  const device = createDevice();
  device.handleLinkUp(0);
  device.handlePacket(new Uint8Array(HEADROOM + 20 + TAILROOM), HEADROOM, 20, 0);
  const output = device.poll();
  if (output?.type !== 'drop') throw new Error(`a packet of zeros gave ${output?.type}`);
  const config = parseConfigOrThrow('[Interface]\nAddress = 10.0.0.1/24\n', { file: 'wg0.conf' });
  if (config.interface.addresses.length !== 1) throw new Error('the address was not read');
}

function allow(address: string) {
  return [{ cidr: parseCidr(`${address}/32`)! }];
}

/** An IPv4 header (RFC 791) and a text of eight letters. */
function packet(from: string, to: string, text: string): Uint8Array {
  const header = [0x45, 0, 0, 20 + text.length, 0, 0, 0, 0, 64, 253, 0, 0];
  return Uint8Array.of(
    ...header,
    ...parseAddress(from)!.bytes,
    ...parseAddress(to)!.bytes,
    ...new TextEncoder().encode(text),
  );
}
