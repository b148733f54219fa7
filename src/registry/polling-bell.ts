/** The bell of a registry where no request can wait: many short-lived processes, none of which hears of another's change. */
import type { Bell } from './service/ports.ts';

/** `seconds`: how often hosts are told to ask. */
export function createPollingBell(seconds: number): Bell {
  return { pollSeconds: seconds, ring() {}, wait: () => Promise.resolve(false) };
}
