/**
 * The UDP port of a network. IANA leaves 49152 to 65535 to private use (RFC 6335 section 6), and for that reason many
 * programs have made a port of it their own without asking: those are avoided.
 */
import type { RandomBytes } from '../clock.ts';
import { randomBelow } from './random.ts';

const FIRST_PORT = 49152;
const LAST_PORT = 65535;

/** Ports from `from` to `to` and the program that is known to use them. */
interface KnownUse {
  from: number;
  to: number;
  service: string;
}

/**
 * The default ports of the programs named here, compiled by hand and not complete: Wikipedia's "List of TCP and UDP port
 * numbers" and the SpeedGuide ports database know more. TCP uses count too: a firewall rule rarely tells the two apart.
 */
const KNOWN_USES: readonly KnownUse[] = [
  use(49152, 'UPnP (libupnp), GlusterFS bricks'),
  uses(49153, 49251, 'GlusterFS bricks, WeMo'),
  uses(50000, 50007, 'IBM Db2, SAP NetWeaver'),
  use(50010, 'HDFS data node'),
  use(50020, 'HDFS data node'),
  use(50030, 'Hadoop job tracker'),
  use(50051, 'gRPC examples'),
  use(50060, 'Hadoop task tracker'),
  use(50070, 'HDFS name node'),
  use(50075, 'HDFS data node'),
  use(50090, 'HDFS secondary name node'),
  use(51413, 'Transmission (BitTorrent)'),
  use(51515, 'Kopia'),
  uses(51820, 51821, 'WireGuard examples'),
  use(52311, 'BigFix'),
  use(52698, 'rmate'),
  use(52869, 'UPnP (Realtek SDK)'),
  use(53413, 'Netis routers'),
  uses(54320, 54321, 'Back Orifice 2000, miIO'),
  use(54925, 'Brother scanners'),
  use(55443, 'Yeelight'),
  uses(55552, 55553, 'Metasploit RPC'),
  use(56700, 'LIFX'),
  use(57621, 'Spotify local discovery'),
  use(57772, 'InterSystems Cache'),
  use(58846, 'Deluge'),
  uses(60000, 61000, 'Mosh, HBase'),
  uses(61208, 61209, 'Glances'),
  uses(61613, 61617, 'ActiveMQ'),
  use(62078, 'iOS synchronisation'),
  use(63342, 'JetBrains IDEs'),
  use(64738, 'Mumble'),
];

/** A port for private use that nothing widely known listens on. */
export function randomPort(random: RandomBytes): number {
  for (;;) {
    const port = FIRST_PORT + randomBelow(LAST_PORT - FIRST_PORT + 1, random);
    if (knownService(port) === undefined) return port;
  }
}

/** What is known to use a port of the private range. */
export function knownService(port: number): string | undefined {
  return KNOWN_USES.find(({ from, to }) => port >= from && port <= to)?.service;
}

function use(port: number, service: string): KnownUse {
  return { from: port, to: port, service };
}

function uses(from: number, to: number, service: string): KnownUse {
  return { from, to, service };
}
