/** The UAPI sockets: who answers, and what a killed process left behind. */
import type { Ports } from '../ports.ts';
import { about, type Finding } from './finding.ts';

const FOLDER = '/var/run/wireguard';

export interface SocketFacts {
  /** Interfaces that have a socket file. */
  present: readonly string[];
  /** Of those, the ones where somebody answers. */
  answering: readonly string[];
}

export async function gatherSockets({ files, uapi }: Ports): Promise<SocketFacts> {
  const names = (await files.list(FOLDER)).filter((name) => name.endsWith('.sock'));
  return { present: names.map((name) => name.slice(0, -'.sock'.length)), answering: await uapi.interfaces() };
}

export function checkSockets({ present, answering }: SocketFacts): Finding[] {
  const report = about('uapi');
  const stale = present.filter((name) => !answering.includes(name));
  const findings = stale.map((name) =>
    report('warning', `nobody answers on ${FOLDER}/${name}.sock: its process was killed`, `rm ${FOLDER}/${name}.sock`),
  );
  if (answering.length > 0) findings.unshift(report('ok', `tunnels that answer: ${answering.join(', ')}`));
  return findings;
}
