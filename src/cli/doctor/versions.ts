/** What runs here, and whether the programs that are called are there. */
import type { Ports } from '../ports.ts';
import { query } from '../steps.ts';
import { VERSION } from '../version.ts';
import { about, type Finding } from './finding.ts';

export interface VersionFacts {
  kernel: string;
  /** First line of `ip -V`; empty when iproute2 is not installed. */
  iproute2: string;
  /** What runs it, and in which version. */
  runtime: string;
  /** How `peerage` is started. */
  program: string;
}

export async function gatherVersions(ports: Ports): Promise<VersionFacts> {
  const kernel = ((await ports.files.read('/proc/sys/kernel/osrelease')) ?? '').trim();
  const iproute2 = (await query(ports, ['ip', '-V'])).trim();
  const { runtime, self } = ports.processes;
  return { kernel, iproute2, runtime, program: self.join(' ') };
}

export function checkVersions({ kernel, iproute2, runtime, program }: VersionFacts): Finding[] {
  const report = about('versions');
  const ours = report('ok', `peerage ${VERSION} on ${runtime} (${program}), Linux ${kernel}`);
  return iproute2 === ''
    ? [ours, report('error', 'ip(8) is not installed', 'apt-get install iproute2')]
    : [ours, report('ok', iproute2)];
}
