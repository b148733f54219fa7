/** What the doctor says: each finding with what to do about it. */

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
