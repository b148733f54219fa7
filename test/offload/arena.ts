/**
 * An arena for tests: slots, a spill and linear memory, each with guard bytes around it that must stay as they are.
 */
import assert from 'node:assert/strict';
import type { Arena, Slots } from '../../src/offload/arena.ts';
import { SPILL_BYTES } from '../../src/offload/split.ts';

const PAGE = 65_536;
const GUARD = 0xa5;
const FIRST_SLOT = 4096;
const HEADROOM = 16;

export const SPILL = 5 * PAGE;
export const LINEAR = SPILL + SPILL_BYTES;
const PAGES = 8;

/** Fits 64 slots of 4,096 bytes between the headroom and the spill. */
export const SLOTS: Slots = { packet: FIRST_SLOT + 64, stride: 2048, room: 1900, count: 48 };

export const ARENA_BYTES = PAGES * PAGE;

/** Fills what surrounds the slots. */
export function setGuards({ bytes }: Arena): void {
  bytes.fill(GUARD, 0, SPILL);
}

/** Throws when a byte outside the slots' own places changed. */
export function checkGuards({ bytes }: Arena, slots: Slots = SLOTS): void {
  const isGuarded = (from: number, to: number) => bytes.subarray(from, to).every((byte) => byte === GUARD);
  assert.ok(isGuarded(0, slots.packet - HEADROOM), 'nothing is written before the first slot');
  for (let slot = 0; slot < slots.count; slot++) {
    const from = slots.packet + slot * slots.stride + slots.room;
    const to = slot === slots.count - 1 ? SPILL : from + slots.stride - slots.room - HEADROOM;
    assert.ok(isGuarded(from, to), `nothing is written behind slot ${slot}`);
  }
}
