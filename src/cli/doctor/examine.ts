/** All that the doctor looks at, in the order in which faults have to be mended. */
import type { Ports } from '../ports.ts';
import { checkClock, gatherClock } from './clock.ts';
import { checkCrypto, measureCrypto } from './crypto.ts';
import type { Finding } from './finding.ts';
import { checkForwarding, gatherForwarding } from './forwarding.ts';
import { checkListening, gatherListening } from './listening.ts';
import { checkPath, gatherPaths } from './path-mtu.ts';
import { checkRegistry, gatherRegistry } from './registry.ts';
import { checkRoutes, gatherRoutes } from './routes.ts';
import { checkSockets, gatherSockets } from './sockets.ts';
import { checkFile, gatherSubject, type Subject } from './subject.ts';
import { checkTun, gatherTun } from './tun.ts';
import { checkVersions, gatherVersions } from './versions.ts';

/** `names`: of interfaces. `progress` hears what is being looked at. */
export async function examine(
  ports: Ports,
  names: readonly string[],
  progress: (what: string) => void,
): Promise<Finding[]> {
  const subjects = await Promise.all(names.map((name) => gatherSubject(ports, name)));
  progress('this host');
  const versions = checkVersions(await gatherVersions(ports));
  const findings = [...versions, ...checkTun(await gatherTun(ports))];
  progress('how fast the crypto is');
  findings.push(...checkCrypto(measureCrypto(ports)));
  findings.push(
    ...checkClock(
      await gatherClock(
        ports,
        subjects.flatMap(({ tunnel }) => tunnel ?? []),
      ),
    ),
  );
  findings.push(...checkSockets(await gatherSockets(ports)));
  // Without ip(8) there is nothing to be learnt of the network.
  if (versions.some(({ severity }) => severity === 'error')) return [...findings, ...subjects.flatMap(checkFile)];
  for (const subject of subjects) findings.push(...(await examineInterface(ports, subject, progress)));
  return findings;
}

/** The interfaces that run, and those that have a file. */
export async function findInterfaces({ uapi, files }: Ports): Promise<string[]> {
  const configured = (await files.list('/etc/wireguard')).flatMap((name) => /^(.+)\.conf$/.exec(name)?.[1] ?? []);
  return [...new Set([...(await uapi.interfaces()), ...configured])].sort();
}

async function examineInterface(ports: Ports, subject: Subject, progress: (what: string) => void): Promise<Finding[]> {
  const { name } = subject;
  const findings = checkFile(subject);
  progress(`routes and firewall for ${name}`);
  findings.push(...checkRoutes(await gatherRoutes(ports, subject)));
  findings.push(...checkForwarding(await gatherForwarding(ports, subject)));
  findings.push(...checkListening(await gatherListening(ports, subject)));
  progress(`the paths to the endpoints of ${name}`);
  findings.push(...(await gatherPaths(ports, subject)).flatMap(checkPath));
  progress(`the registry of ${name}`);
  const registry = await gatherRegistry(ports, subject);
  return registry === undefined ? findings : [...findings, ...checkRegistry(registry)];
}
