/** The single binary, dist/peerage, built anew when one of its sources has changed since. */
import { execFileSync } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const BUN = resolve(ROOT, 'node_modules/.bin/bun');

/** Its path. Throws with what the bundler says when it cannot be built. */
export function builtBinary(): string {
  const binary = resolve(ROOT, 'dist/peerage');
  const built = statSync(binary, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  // Folders as well: what was taken away has a time no more.
  const sources = globSync(['{src,runtime}', '{src,runtime}/**', 'package.json', 'package-lock.json', 'LICENSE'], {
    cwd: ROOT,
  });
  if (sources.some((source) => (statSync(resolve(ROOT, source), { throwIfNoEntry: false })?.mtimeMs ?? 0) >= built))
    execFileSync(BUN, [resolve(ROOT, 'runtime/bun/build-binary.ts'), binary], { stdio: 'pipe' });
  return binary;
}
