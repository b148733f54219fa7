/** An interface as the doctor sees it: its file, its running tunnel, or both. */
import { endpointAddress, type Config } from '../../config/config.ts';
import { parseConfig, describeProblem, type Problem } from '../../config/parse.ts';
import { formatAddress, type Cidr } from '../../ip.ts';
import type { TunnelState } from '../../tunnel/state.ts';
import { configPath } from '../config-file.ts';
import type { Ports } from '../ports.ts';
import { describeTunnel } from '../tunnel.ts';
import { about, type Finding } from './finding.ts';

export interface Subject {
  name: string;
  path: string;
  /** Undefined when there is no file, or it has problems. */
  config: Config | undefined;
  problems: readonly Problem[];
  /** Permission bits of the file; undefined when there is none. */
  mode: number | undefined;
  /** Undefined when it is not up. */
  tunnel: TunnelState | undefined;
}

export async function gatherSubject(ports: Ports, name: string): Promise<Subject> {
  const path = configPath(name);
  const text = await ports.files.read(path);
  const parsed = text === undefined ? undefined : parseConfig(text, { file: path });
  const isUp = (await ports.uapi.interfaces()).includes(name);
  return {
    name,
    path,
    config: parsed !== undefined && 'config' in parsed ? parsed.config : undefined,
    problems: parsed !== undefined && 'problems' in parsed ? parsed.problems : [],
    mode: await ports.files.mode(path),
    tunnel: isUp ? await describeTunnel(ports, name) : undefined,
  };
}

/** What the tunnel has is what counts; the file speaks for one that is not up. */
export function allowedIpsOf({ config, tunnel }: Subject): Cidr[] {
  return (tunnel ?? config)?.peers.flatMap((peer) => [...peer.allowedIps]) ?? [];
}

/** Addresses that datagrams go to. */
export function endpointsOf({ config, tunnel }: Subject): string[] {
  const addresses =
    tunnel === undefined
      ? (config?.peers ?? []).flatMap(({ endpoint }) => (endpoint && endpointAddress(endpoint)) ?? [])
      : tunnel.peers.flatMap(({ endpoint }) => endpoint?.ipAddress ?? []);
  return [...new Set(addresses.map(formatAddress))];
}

export function checkFile({ name, path, config, problems, mode, tunnel }: Subject): Finding[] {
  const report = about(name);
  if (mode === undefined && tunnel === undefined)
    return [report('error', `${path} does not exist, and no tunnel ${name} is up`, 'peerage join HOST/TOKEN')];
  const [first] = problems;
  const findings: Finding[] = [];
  if (first !== undefined)
    findings.push(report('error', `${path}:${first.line}: ${describeProblem(first)}`, `peerage check ${path}`));
  // The folder is 0700 where it was made by a package; a key should not depend on it.
  if (mode !== undefined && (mode & 0o077) !== 0)
    findings.push(report('warning', `${path} can be read by others than root`, `chmod 600 ${path}`));
  if (config !== undefined && findings.length === 0) findings.push(report('ok', `${path} is sound and private`));
  findings.push(
    tunnel === undefined
      ? report('ok', `${name} is not up`, `peerage up ${name}`)
      : report('ok', `${name} is up, with ${tunnel.peers.length} peers on UDP port ${tunnel.listenPort}`),
  );
  return findings;
}
