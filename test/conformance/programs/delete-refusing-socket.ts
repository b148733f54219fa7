/**
 * Does to the socket file of its argument what wg(8) does, without a pause: whenever that refuses a connection, which a dead
 * process's does, it is deleted. Says "ready", and then what it deleted.
 */
import { rmSync, writeSync } from 'node:fs';
import { Memory } from '../../../runtime/linux/memory.ts';
import { runtime } from '../../runtime/this-runtime.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCKADDR_BYTES = 110;
const ECONNREFUSED = 111;

const ffi = await runtime.loadFfi();
const [, , path] = process.argv as [string, string, string]; // as the test calls it
const libc = ffi.load('libc.so.6', { socket: ['i', 'iii'], connect: ['i', 'ipi'], close: ['i', 'i'] });
const address = new Memory(ffi, SOCKADDR_BYTES);
address.view.setUint16(0, AF_UNIX, true);
address.setText(2, path);

writeSync(1, 'ready\n'); // at once, which a stream need not be in a loop that never ends
for (let connected = false; !connected;) {
  const fd = libc.socket(AF_UNIX, SOCK_STREAM, 0);
  connected = libc.connect(fd, address.at(0), SOCKADDR_BYTES) === 0;
  if (!connected && ffi.errno() === ECONNREFUSED) {
    rmSync(path, { force: true });
    writeSync(1, 'deleted\n');
  }
  libc.close(fd);
}
