/**
 * Word of a file being renamed, replaced or deleted: inotify(7), asked directly. Deno's `fs.watch` begins to watch some time after
 * it returned, and what happens before that nobody hears.
 */
import type { Ffi } from './ffi.ts';
import { loadLibc, LibcError } from './libc.ts';
import { Memory } from './memory.ts';
import type { Watches } from './poller.ts';

const IN_NONBLOCK_CLOEXEC = 0x80800;
/** Of the file itself, so that what others do beside it wakes nobody. A name less is a change of its link count, an attribute. */
const IN_ATTRIB = 4;
const IN_MOVE_SELF = 0x800;
const EVENTS_BYTES = 4096;

export interface FileWatch {
  close(): void;
}

/**
 * Watches the file that is at the path now, whatever it is called later. Everything that happens to it after this returns is
 * followed by a call of the listener, never from within this function. Throws LibcError when it cannot be watched.
 */
export function watchFile(ffi: Ffi, poller: Watches, path: string, listener: () => void): FileWatch {
  const libc = loadLibc(ffi);
  const name = new TextEncoder().encode(path);
  const memory = new Memory(ffi, Math.max(EVENTS_BYTES, name.length + 1));
  memory.bytes.set(name);
  const fd = libc.inotify_init1(IN_NONBLOCK_CLOEXEC);
  if (fd < 0) throw new LibcError('cannot watch files', ffi.errno());
  try {
    if (libc.inotify_add_watch(fd, memory.at(0), IN_ATTRIB | IN_MOVE_SELF) < 0)
      throw new LibcError(`cannot watch ${path}`, ffi.errno());
    const size = ffi.size(EVENTS_BYTES);
    const watch = poller.watch(fd, () => {
      // What is so now has to be looked at, so it does not matter what the events say.
      while (libc.read(fd, memory.at(0), size) > 0);
      watch.arm();
      listener();
    });
    watch.arm();
    return {
      close() {
        watch.release();
        libc.close(fd);
      },
    };
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}
