import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Ports } from '../../src/cli/ports.ts';
import { withProgress } from '../../src/cli/progress.ts';

/** A terminal, and a clock that goes on by the call of `tick`. */
function startTerminal(stderrIsTerminal: boolean) {
  const said: string[] = [];
  const pauses: { ms: number; wake: () => void }[] = [];
  const sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((wake) => {
      pauses.push({ ms, wake });
      signal?.addEventListener('abort', () => wake());
    });
  const terminal = { stderrIsTerminal, stderr: (text: string) => void said.push(text) };
  const tick = async () => {
    pauses.shift()?.wake();
    await new Promise(setImmediate);
  };
  return { said, pauses, tick, ports: { terminal, services: { sleep } } as unknown as Ports }; // all that it touches
}

describe('progress', () => {
  it('is said after a while, again while it goes on, and taken back before the end', async () => {
    const { said, pauses, tick, ports } = startTerminal(true);
    let done = 0;
    const work = Promise.withResolvers<string>();
    const result = withProgress(
      ports,
      () => `${done} of 3`,
      () => work.promise,
    );
    assert.deepEqual([pauses[0]?.ms, said], [2000, []]);
    for (done = 1; done < 3; done++) await tick();
    assert.deepEqual(said, ['\r\x1b[K1 of 3 ...', '\r\x1b[K2 of 3 ...']);
    work.resolve('all');
    assert.equal(await result, 'all');
    assert.equal(said[2], '\r\x1b[K');
  });

  it('says nothing of what is quick, of what nobody waits for, and leaves a failure as it is', async () => {
    const [quick, unseen] = [startTerminal(true), startTerminal(false)];
    const fail = () => Promise.reject(new Error('no'));
    const say = () => 'slow';
    await withProgress(quick.ports, say, async () => {});
    await assert.rejects(withProgress(quick.ports, say, fail), /no/);
    await assert.rejects(withProgress(unseen.ports, say, fail), /no/);
    assert.deepEqual([quick.said, unseen.said, unseen.pauses], [[], [], []]);
  });
});
