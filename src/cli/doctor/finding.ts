/** What the doctor says: each finding with what to do about it. */
import { UserError } from '../../errors.ts';

export type Severity = 'ok' | 'warning' | 'error';

export interface Finding {
  severity: Severity;
  /** What was looked at: `tun`, `clock`, or the name of an interface. */
  subject: string;
  what: string;
  /** A line to type, or what to change; absent when there is nothing to do. */
  remedy?: string;
}

export type Report = (severity: Severity, what: string, remedy?: string) => Finding;

export function about(subject: string): Report {
  return (severity, what, remedy) => ({ severity, subject, what, ...(remedy === undefined ? {} : { remedy }) });
}

/** What cannot be looked at is a finding itself, and no reason to look at nothing else. */
export async function attempt<T>(
  faults: Finding[],
  subject: string,
  gather: () => Promise<T>,
  remedy?: string,
): Promise<T | undefined> {
  try {
    return await gather();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    faults.push(about(subject)('error', error.message, error.remedy ?? remedy));
    return undefined;
  }
}
