/**
 * The clock of a tunnel. CLOCK_BOOTTIME rather than performance.now(): it goes on while the machine sleeps, so that keys
 * which grew too old meanwhile are not used after waking up.
 */
import type { Clock } from '../../src/clock.ts';
import type { Ffi } from './ffi.ts';
import { loadLibc } from './libc.ts';
import { Memory } from './memory.ts';

const CLOCK_BOOTTIME = 7;

export function createBootClock(ffi: Ffi): Clock {
  const { clock_gettime } = loadLibc(ffi);
  const timespec = new Memory(ffi, 16);
  const pointer = timespec.at(0);
  return {
    monotonic() {
      clock_gettime(CLOCK_BOOTTIME, pointer);
      // 32 bits of seconds are 136 years of uptime.
      return timespec.view.getUint32(0, true) * 1000 + timespec.view.getUint32(8, true) / 1e6;
    },
    wall: () => Date.now(),
  };
}
