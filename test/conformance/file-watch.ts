/** The watch over a file, with the poller of a runtime. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { watchFile } from '../../runtime/linux/file-watch.ts';
import { LibcError } from '../../runtime/linux/libc.ts';
import { startPoller } from '../../runtime/linux/start-poller.ts';
import type { Runtime } from '../../runtime/linux/runtime.ts';
import { waitFor } from '../interop/lab/wait.ts';

export async function fileWatchConformance(runtime: Runtime): Promise<void> {
  const ffi = await runtime.loadFfi();
  const poller = startPoller(runtime, ffi);
  const folder = mkdtempSync(join(tmpdir(), 'peerage-'));
  after(async () => {
    await poller.close();
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'fäil');
  const other = join(folder, 'other');

  for (const [what, change] of [
    ['deleted', () => rmSync(path)],
    ['renamed', () => renameSync(path, other)],
    ['replaced', () => renameSync(other, path)],
  ] as const)
    test(`a file that is ${what} as soon as it is watched is told of, and not from within`, async () => {
      for (const file of [path, other]) writeFileSync(file, '');
      let calls = 0;
      const watch = watchFile(ffi, poller, path, () => calls++);
      change();
      assert.equal(calls, 0);
      await waitFor('the listener is called', () => calls > 0);
      watch.close();
    });

  test('each change is told of, and none after it was closed', async () => {
    writeFileSync(path, '');
    const seen: string[] = [];
    const first = watchFile(ffi, poller, path, () => seen.push('first'));
    renameSync(path, other);
    await waitFor('the listener is called', () => seen.length === 1);
    first.close();
    const second = watchFile(ffi, poller, other, () => seen.push('second'));
    renameSync(other, path);
    await waitFor('the other listener is called', () => seen.includes('second'));
    rmSync(path);
    await waitFor('it is called again', () => seen.length > 2);
    assert.deepEqual(seen.slice(0, 3), ['first', 'second', 'second']);
    second.close();
  });

  test('a file that is not there cannot be watched, and no descriptor stays open', () => {
    const before = inotifyDescriptors();
    assert.throws(() => watchFile(ffi, poller, join(folder, 'nothing'), () => {}), LibcError);
    writeFileSync(path, '');
    const watch = watchFile(ffi, poller, path, () => {});
    assert.equal(inotifyDescriptors(), before + 1);
    watch.close();
    assert.equal(inotifyDescriptors(), before);
  });
}

function inotifyDescriptors(): number {
  const folder = '/proc/self/fd';
  // The one that the folder is read with is gone by then.
  const targets = readdirSync(folder).map((fd) => (existsSync(join(folder, fd)) ? readlinkSync(join(folder, fd)) : ''));
  return targets.filter((target) => target.includes('inotify')).length;
}
