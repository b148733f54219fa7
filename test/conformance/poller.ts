/** The poller with the worker of a runtime, and with a pipe as the descriptor that becomes readable. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Epoll } from '../../runtime/linux/epoll.ts';
import { loadLibc } from '../../runtime/linux/libc.ts';
import { Memory } from '../../runtime/linux/memory.ts';
import { createPoller } from '../../runtime/linux/poller.ts';
import { startPoller } from '../../runtime/linux/start-poller.ts';
import type { Runtime } from '../../runtime/linux/runtime.ts';
import { waitFor } from '../interop/lab/wait.ts';

/** More than are asked for at once. */
const MANY = 40;

export async function pollerConformance(runtime: Runtime): Promise<void> {
  const ffi = await runtime.loadFfi();
  const libc = loadLibc(ffi);
  const { pipe, dup } = ffi.load('libc.so.6', { pipe: ['i', 'p'], dup: ['i', 'i'] });
  const dot = new Memory(ffi, 1);
  const size = ffi.size(1);

  function openPipe() {
    const fds = new Memory(ffi, 8);
    assert.equal(pipe(fds.at(0)), 0);
    const [reader, writer] = [fds.view.getInt32(0, true), fds.view.getInt32(4, true)];
    return {
      reader,
      // Not node:fs: Deno's knows no descriptor that it has not opened itself.
      write: () => libc.write(writer, dot.at(0), size),
      read: () => libc.read(reader, dot.at(0), size),
      closeWriter: () => libc.close(writer),
      closeReader: () => libc.close(reader),
    };
  }

  const poller = startPoller(runtime, ffi);
  after(() => poller.close());

  test('a listener is called once for each time it was armed, and not before', async () => {
    const quiet = openPipe();
    const pipe = openPipe();
    let calls = 0;
    const watch = poller.watch(pipe.reader, () => calls++);
    pipe.write();
    // Another descriptor's turn shows that the worker has looked.
    let turns = 0;
    const other = poller.watch(quiet.reader, () => turns++);
    quiet.write();
    other.arm();
    await waitFor('the other one is called', () => turns === 1);
    assert.equal(calls, 0);

    watch.arm();
    await waitFor('it is called', () => calls === 1);
    other.arm();
    await waitFor('the other one is called again', () => turns === 2);
    assert.equal(calls, 1);
    watch.arm(); // there is still something to read
    await waitFor('it is called again', () => calls === 2);
    watch.release();
    other.release();
    for (const end of [quiet, pipe]) {
      end.closeWriter();
      end.closeReader();
    }
  });

  test('what became readable between two looks is not missed', async () => {
    const pipe = openPipe();
    let bytes = 0;
    const watch = poller.watch(pipe.reader, () => {
      pipe.read();
      bytes++;
      pipe.write();
      watch.arm();
    });
    watch.arm();
    pipe.write();
    await waitFor('thousands of turns', () => bytes > 5000);
    watch.release();
    pipe.closeWriter();
    pipe.closeReader();
  });

  test('the other end going away counts as readable', async () => {
    const pipe = openPipe();
    let calls = 0;
    const watch = poller.watch(pipe.reader, () => calls++);
    watch.arm();
    pipe.closeWriter();
    await waitFor('it is called', () => calls === 1);
    assert.equal(pipe.read(), 0);
    watch.release();
    pipe.closeReader();
  });

  test('a released watch is never called, and its place can be used again', async () => {
    const pipe = openPipe();
    for (let i = 0; i < MANY; i++) {
      const watch = poller.watch(pipe.reader, () => assert.fail('called after its release'));
      watch.arm();
      watch.release();
    }
    pipe.write();
    let calls = 0;
    const readers = Array.from({ length: MANY }, () => dup(pipe.reader));
    const watches = readers.map((reader) => poller.watch(reader, () => calls++));
    for (const watch of watches) watch.arm();
    await waitFor('all of them are called', () => calls === MANY);
    for (const watch of watches) watch.release();
    for (const reader of readers) libc.close(reader);
    pipe.closeWriter();
    pipe.closeReader();
  });

  test('what was released is neither armed nor released again, whoever has its number by now', () => {
    const pipe = openPipe();
    const watch = poller.watch(pipe.reader, () => assert.fail('called after its release'));
    watch.arm();
    watch.release();
    pipe.closeReader();
    watch.arm();
    watch.release();
    pipe.closeWriter();
  });

  test('an epoll that was closed takes no event from the next one, which has its numbers', () => {
    const pipe = openPipe();
    const closed = new Epoll(ffi);
    closed.close();
    const next = new Epoll(ffi);
    assert.equal(next.bell, closed.bell);
    let calls = 0;
    const watch = next.watch(pipe.reader, () => calls++);
    watch.arm();
    pipe.write();
    closed.dispatch();
    next.dispatch();
    assert.equal(calls, 1);
    watch.release();
    next.close();
    pipe.closeWriter();
    pipe.closeReader();
  });

  test('a watch that is released before the worker has begun waits for nobody', async () => {
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const module = new URL('programs/late-poll-worker.ts', import.meta.url);
    const late = createPoller(ffi, (data) => new Worker(module, { workerData: { ...data, gate } }));
    const pipe = openPipe();
    pipe.write();
    const released = late.watch(pipe.reader, () => assert.fail('called after its release'));
    released.arm();
    released.release(); // else for ever
    let calls = 0;
    const watch = late.watch(pipe.reader, () => calls++);
    watch.arm();
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    await waitFor('the other one is called', () => calls === 1);
    watch.release();
    await late.close();
    pipe.closeWriter();
    pipe.closeReader();
  });
}
