/** The rings between workers and control thread, against a queue without bounds, and between two real threads. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import { createRing, RingReader, RingReaders, RingWriter } from '../../src/plane/ring.ts';

const RECORD = fc.record({
  kind: fc.nat(100),
  words: fc.array(fc.integer(), { maxLength: 6 }),
  bytes: fc.uint8Array({ maxLength: 90 }),
});
type Record = typeof RECORD extends fc.Arbitrary<infer T> ? T : never;

test('what is pushed comes out whole and in order, and what is refused does not come at all', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(RECORD, fc.constant('read' as const)), { maxLength: 200 }), (steps) => {
      const memory = createRing(512);
      const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
      const model: Record[] = [];
      for (const step of steps) {
        if (step === 'read') checkNext(reader, model.shift());
        else if (writer.push(step.kind, step.words, step.bytes, 0, step.bytes.length)) model.push(step);
        else assert.ok(model.length > 0, 'an empty ring takes everything of this size');
      }
      for (const record of model) checkNext(reader, record);
      checkNext(reader, undefined);
      assert.equal(writer.isRead(writer.mark), true);
    }),
  );
});

function checkNext(reader: RingReader, expected: Record | undefined): void {
  assert.equal(reader.next(), expected !== undefined);
  if (expected === undefined) return;
  const { kind, words, bytes } = expected;
  assert.equal(reader.kind, kind);
  assert.deepEqual([...reader.wordsAt(0, words.length)], words);
  for (const [index, word] of words.entries()) assert.equal(reader.word(index), word);
  const copy = new Uint8Array(100);
  assert.equal(reader.length, bytes.length);
  assert.equal(reader.copyTo(copy, 3), bytes.length);
  assert.deepEqual(copy.slice(3, 3 + bytes.length), bytes);
}

test('a mark is read once the reader has gone on from the record before it', () => {
  const memory = createRing(512);
  const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
  writer.push(1, [], Uint8Array.of(1), 0, 1);
  const mark = writer.mark;
  writer.push(2, [], Uint8Array.of(2), 0, 1);
  assert.equal(writer.isRead(mark), false);
  reader.next();
  assert.equal(writer.isRead(mark), false, 'it is being dealt with');
  reader.next();
  assert.equal(writer.isRead(mark), true);
  assert.equal(writer.isRead(writer.mark), false);
  reader.next();
  assert.equal(writer.isRead(writer.mark), true);
});

test('between two threads nothing is lost, torn or reordered', async () => {
  const memory = createRing(4096);
  const records = 100_000;
  const thread = new Worker(new URL('programs/push-records.ts', import.meta.url), { workerData: { memory, records } });
  const exit = once(thread, 'exit');
  const reader = new RingReader(memory);
  const bytes = new Uint8Array(64);
  for (let i = 0; i < records;) {
    if (!reader.next()) {
      await new Promise((resolve) => setImmediate(resolve));
      continue;
    }
    assert.equal(reader.kind, i % 1000);
    assert.equal(reader.word(0), i);
    const length = i % 61;
    assert.equal(reader.copyTo(bytes, 0), length);
    for (let at = 0; at < length; at++) assert.equal(bytes[at], (i + at) & 0xff);
    i++;
  }
  assert.equal(reader.next(), false);
  await exit;
});

test('several rings are read in turn, each in its order, and a full one keeps none of the others waiting', () => {
  const memories = Array.from({ length: 3 }, () => createRing(1024));
  const writers = memories.map((memory) => new RingWriter(memory));
  const rings = new RingReaders(memories);
  assert.equal(rings.next(), undefined);
  const push = (ring: number, kind: number): boolean => writers[ring]!.push(kind, [], new Uint8Array(0), 0, 0);
  let pushed = 0;
  while (push(0, pushed)) pushed++;
  for (const kind of [100, 101]) assert.ok(push(2, kind));
  const read = Array.from({ length: pushed + 2 }, () => rings.next()!.kind);
  assert.deepEqual(read.slice(0, 4), [0, 100, 1, 101]);
  assert.deepEqual(
    read.filter((kind) => kind < 100),
    Array.from({ length: pushed }, (_, kind) => kind),
  );
  assert.equal(writers[0]!.isRead(writers[0]!.mark), false, 'the last one is being dealt with');
  assert.equal(rings.next(), undefined);
  assert.ok(writers.every((writer) => writer.isRead(writer.mark)));
});
