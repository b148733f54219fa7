/** Durations on the command line: 90s, 30m, 1h, 7d. */
import { InvalidArgumentError } from 'commander';

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;
type Unit = keyof typeof SECONDS;

export const YEAR_SECONDS = 365 * SECONDS.d;

/** For the value of an option: takes a text to seconds. What is not from `least` to `most`, in seconds too, is refused. */
export function durationParser({ least, most }: { least: number; most: number }): (text: string) => number {
  return (text) => {
    const [, digits, unit] = /^([0-9]{1,9})([smhd])$/.exec(text) ?? [];
    const seconds = Number(digits ?? NaN) * SECONDS[(unit ?? 's') as Unit]; // the pattern leaves only these
    if (seconds >= least && seconds <= most) return seconds;
    const range = `from ${formatDuration(least)} to ${formatDuration(most)}`;
    throw new InvalidArgumentError(`Expected a duration ${range}: 90s, 30m, 1h or 7d.`);
  };
}

/** As it is typed, in the largest unit that it is a whole number of. */
export function formatDuration(seconds: number): string {
  const units: readonly Unit[] = ['d', 'h', 'm'];
  const unit = units.find((each) => seconds > 0 && seconds % SECONDS[each] === 0) ?? 's';
  return `${seconds / SECONDS[unit]}${unit}`;
}
