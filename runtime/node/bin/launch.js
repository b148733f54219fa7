/**
 * The first file of each command, and the only JavaScript here: an older Node reads it, too, and then tells what it lacks
 * instead of failing at the first line that it does not know. Nothing but this file may be loaded before the check.
 */
import process from 'node:process';

/** As package.json says under "engines"; a test compares them. */
const NEEDED = [22, 18];

/** @param {string} name @param {() => Promise<unknown>} load */
export function launch(name, load) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return load();
  const script = process.argv[1];
  process.stderr.write(
    `${name}: ${process.execPath} is Node ${process.versions.node}, and ${NEEDED.join('.')} or newer is needed.\n` +
      `  Start it with a newer one: /path/to/node ${script}\n` +
      `  wg-quick looks into /usr/bin first, whatever your PATH says. Let WG_QUICK_USERSPACE_IMPLEMENTATION name a script:\n` +
      `    #!/bin/sh\n    exec /path/to/node ${script} "$@"\n`,
  );
  process.exitCode = 1;
  return undefined;
}
