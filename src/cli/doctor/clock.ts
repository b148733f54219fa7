/**
 * The clock. A peer takes no handshake older than the latest it has seen (section 5.1), so a host whose clock has gone back, also
 * over a reboot, is shut out until the clock has caught up.
 */
import type { TunnelState } from '../../tunnel/state.ts';
import { formatKey } from '../../keys.ts';
import type { Ports } from '../ports.ts';
import { query } from '../steps.ts';
import { about, type Finding } from './finding.ts';

/** This program was written then: an earlier clock is wrong. */
const WRITTEN_MS = Date.UTC(2026, 0, 1);
const TOLERANCE_MS = 60_000;
const SET_CLOCK = 'timedatectl set-ntp true';

export interface ClockFacts {
  wallMs: number;
  /** Undefined when nothing here tells. */
  isSynchronised: boolean | undefined;
  /** The latest handshake of any peer; 0 when there was none. */
  latestHandshake: { peer: string; atMs: number } | undefined;
}

export async function gatherClock(ports: Ports, tunnels: readonly TunnelState[]): Promise<ClockFacts> {
  const answer = (await query(ports, ['timedatectl', 'show', '--property=NTPSynchronized', '--value'])).trim();
  const [latest] = tunnels.flatMap(({ peers }) => peers).sort((a, b) => b.latestHandshakeMs - a.latestHandshakeMs);
  return {
    wallMs: ports.clock.wall(),
    isSynchronised: answer === 'yes' ? true : answer === 'no' ? false : undefined,
    latestHandshake: latest && { peer: formatKey(latest.publicKey), atMs: latest.latestHandshakeMs },
  };
}

export function checkClock({ wallMs, isSynchronised, latestHandshake }: ClockFacts): Finding[] {
  const report = about('clock');
  const now = new Date(wallMs).toISOString();
  if (wallMs < WRITTEN_MS)
    return [report('error', `the clock says ${now}: peers that have seen a later one refuse this host`, SET_CLOCK)];
  if (latestHandshake !== undefined && latestHandshake.atMs > wallMs + TOLERANCE_MS)
    return [
      report(
        'error',
        `the clock went back: it says ${now}, and the latest handshake, with ${latestHandshake.peer}, is later`,
        SET_CLOCK,
      ),
    ];
  if (isSynchronised === false)
    return [report('warning', `the clock says ${now} and is not synchronised: it may go back one day`, SET_CLOCK)];
  const source = isSynchronised === true ? 'synchronised' : 'plausible; nothing here tells whether it is synchronised';
  return [report('ok', `the clock says ${now}, ${source}`)];
}

/** The registry's clock beside ours: `Date` of an answer. */
export function checkClockAgainst(registry: string, theirMs: number, ourMs: number): Finding[] {
  const seconds = Math.round((ourMs - theirMs) / 1000);
  if (Math.abs(seconds) * 1000 <= TOLERANCE_MS) return [];
  const way = seconds > 0 ? 'ahead of' : 'behind';
  return [about('clock')('warning', `the clock is ${Math.abs(seconds)} s ${way} that of ${registry}`, SET_CLOCK)];
}
