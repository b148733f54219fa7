/** All that the doctor looks at, in the order in which faults have to be mended. */
import type { Ports } from '../ports.ts';
import { checkClock, gatherClock } from './clock.ts';
import { checkCrypto, measureCrypto } from './crypto.ts';
import { attempt, type Finding } from './finding.ts';
import { checkForwarding, gatherForwarding } from './forwarding.ts';
import { checkListening, gatherListening } from './listening.ts';
import { checkPath, gatherPaths } from './path-mtu.ts';
import { checkRegistry, gatherRegistry } from './registry.ts';
import { checkRoutes, gatherRoutes } from './routes.ts';
import { checkSockets, gatherSockets } from './sockets.ts';
import { checkFile, gatherSubject, type Subject } from './subject.ts';
import { checkTun, gatherTun } from './tun.ts';
import { checkVersions, gatherVersions } from './versions.ts';

/** `name`: of the only interface to look at. `progress` hears what is being looked at. */
export async function examine(
  ports: Ports,
  name: string | undefined,
  progress: (what: string) => void,
): Promise<Finding[]> {
  const faults: Finding[] = [];
  const names = name === undefined ? await findInterfaces(ports, faults) : [name];
  const subjects = await Promise.all(names.map((name) => gatherSubject(ports, name)));
  progress('this host');
  const versions = checkVersions(await gatherVersions(ports));
  const findings = [...versions, ...checkTun(await gatherTun(ports)), ...faults];
  progress('how fast the crypto is');
  findings.push(...checkCrypto(measureCrypto(await ports.crypto(), ports)));
  const tunnels = subjects.flatMap(({ tunnel }) => tunnel ?? []);
  findings.push(...(await look('clock', async () => checkClock(await gatherClock(ports, tunnels)))));
  findings.push(...(await look('uapi', async () => checkSockets(await gatherSockets(ports)))));
  // Without ip(8) there is nothing to be learnt of the network.
  if (versions.some(({ severity }) => severity === 'error')) findings.push(...subjects.flatMap(checkFile));
  else for (const subject of subjects) findings.push(...(await examineInterface(ports, subject, progress)));
  return withoutRepetition(findings);
}

/** The interfaces that run, and those that have a file. */
async function findInterfaces({ uapi, files }: Ports, faults: Finding[]): Promise<string[]> {
  const running = (await attempt(faults, 'uapi', () => uapi.interfaces())) ?? [];
  const names = (await attempt(faults, 'files', () => files.list('/etc/wireguard'))) ?? [];
  const configured = names.flatMap((name) => /^(.+)\.conf$/.exec(name)?.[1] ?? []);
  return [...new Set([...running, ...configured])].sort();
}

async function examineInterface(ports: Ports, subject: Subject, progress: (what: string) => void): Promise<Finding[]> {
  const { name } = subject;
  const findings = checkFile(subject);
  progress(`routes and firewall for ${name}`);
  findings.push(...(await look(name, async () => checkRoutes(await gatherRoutes(ports, subject)))));
  findings.push(...(await look(name, async () => checkForwarding(await gatherForwarding(ports, subject)))));
  findings.push(...(await look(name, async () => checkListening(await gatherListening(ports, subject)))));
  progress(`the paths to the endpoints of ${name}`);
  findings.push(...(await look(name, async () => (await gatherPaths(ports, subject)).flatMap(checkPath))));
  progress(`the registry of ${name}`);
  const registry = await look(name, async () => {
    const facts = await gatherRegistry(ports, subject);
    return facts === undefined ? [] : checkRegistry(facts);
  });
  return [...findings, ...registry];
}

async function look(subject: string, check: () => Promise<Finding[]>): Promise<Finding[]> {
  const faults: Finding[] = [];
  return (await attempt(faults, subject, check)) ?? faults;
}

/** Several looks may fail at the same thing. */
function withoutRepetition(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()];
}
