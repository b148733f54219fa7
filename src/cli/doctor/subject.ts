/** An interface as the doctor sees it: its file, its running tunnel, or both. */
import { endpointAddress, type Config } from '../../config/config.ts';
import { parseConfig, describeProblem, type Problem } from '../../config/parse.ts';
import { formatAddress, type Cidr } from '../../ip.ts';
import type { TunnelState } from '../../tunnel/state.ts';
import { configPath } from '../config-file.ts';
import type { Ports } from '../ports.ts';
import { describeTunnel } from '../tunnel.ts';
import { about, attempt, type Finding } from './finding.ts';

export interface Subject {
  name: string;
  path: string;
  /** Undefined when there is no file, or it has problems. */
  config: Config | undefined;
  problems: readonly Problem[];
  /** Permission bits of the file; undefined when there is none. */
  mode: number | undefined;
  /** Undefined when nobody knows. */
  isUp: boolean | undefined;
  /** Undefined when it is not up, or does not tell. */
  tunnel: TunnelState | undefined;
  /** What could not be looked at. */
  faults: readonly Finding[];
}

export async function gatherSubject(ports: Ports, name: string): Promise<Subject> {
  const path = configPath(name);
  const faults: Finding[] = [];
  const mode = await attempt(faults, name, () => ports.files.mode(path));
  const text = faults.length > 0 ? undefined : await attempt(faults, name, () => ports.files.read(path));
  const parsed = text === undefined ? undefined : parseConfig(text, { file: path });
  const isUp = (await attempt(faults, 'uapi', () => ports.uapi.interfaces()))?.includes(name);
  const tunnel =
    isUp === true ? await attempt(faults, name, () => describeTunnel(ports, name), revival(name)) : undefined;
  return {
    name,
    path,
    config: parsed !== undefined && 'config' in parsed ? parsed.config : undefined,
    problems: parsed !== undefined && 'problems' in parsed ? parsed.problems : [],
    mode,
    isUp,
    tunnel,
    faults,
  };
}

/** For a daemon that does not answer. It is never killed by a guess: it may belong to another implementation. */
function revival(name: string): string {
  return `ps ax -o pid,stat,args | grep ${name}   # state T: kill -CONT PID; otherwise kill -9 PID && peerage up ${name}`;
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

export function checkFile({ name, path, config, problems, mode, isUp, tunnel, faults }: Subject): Finding[] {
  const report = about(name);
  if (mode === undefined && isUp !== true && faults.length === 0)
    return [report('error', `${path} does not exist, and no tunnel ${name} is up`, 'peerage join HOST/TOKEN')];
  const [first] = problems;
  const findings = [...faults];
  if (first !== undefined)
    findings.push(report('error', `${path}:${first.line}: ${describeProblem(first)}`, `peerage check ${path}`));
  // The folder is 0700 where it was made by a package; a key should not depend on it.
  if (mode !== undefined && (mode & 0o077) !== 0)
    findings.push(report('warning', `${path} can be read by others than root`, `chmod 600 ${path}`));
  if (config !== undefined && findings.length === faults.length)
    findings.push(report('ok', `${path} is sound and private`));
  if (tunnel !== undefined)
    findings.push(report('ok', `${name} is up, with ${tunnel.peers.length} peers on UDP port ${tunnel.listenPort}`));
  else if (isUp === false) findings.push(report('ok', `${name} is not up`, `peerage up ${name}`));
  return findings;
}
