/**
 * `node runtime/node/build-package.ts [FOLDER]`: the npm package as a folder (dist/npm unless said) that `npm pack` and `npm publish`
 * take as it is. The checkout runs from its TypeScript; the package holds what tsc makes of it, with the same layout. The daemon and
 * its threads are a file each: a hundred modules cost it half of its time to start.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { DOCS_FILES } from '../../src/registry/render/docs-page.ts';
import { DOCS_FOLDER } from '../linux/docs-files.ts';
import { copyDocuments } from './package-documents.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Manifest {
  bin: Record<string, string>;
  exports: Record<string, string>;
  [field: string]: unknown;
}

/** What users of the package need to know. The rest of ours is for the checkout. */
const FIELDS = ['name', 'version', 'description', 'license', 'type', 'engines', 'dependencies'];
/** Of what is copied from swagger-ui-dist: its own, and those of what it was made of. */
const DOCS_LICENCES = ['LICENSE', 'NOTICE', 'swagger-ui-bundle.js.LICENSE.txt'];
/** The entries of the daemon's threads, below runtime/node. */
const DAEMON = ['peerage-tun.js', 'fast-worker.js', 'poll-worker.js'];

/** Empties the folder first. Throws when tsc does not succeed. */
export function buildPackage(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  execFileSync(tsc, ['--project', join(ROOT, 'tsconfig.build.json'), '--outDir', folder], { stdio: 'inherit' });
  bundleDaemon(join(folder, 'runtime/node'));
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest; // ours
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(packageManifest(manifest), undefined, 2)}\n`);
  copyDocuments(ROOT, folder);
  for (const name of [...Object.keys(DOCS_FILES), ...DOCS_LICENCES])
    cpSync(join(DOCS_FOLDER, name), join(folder, 'runtime/docs', name));
  for (const program of Object.values(manifest.bin)) chmodSync(join(folder, program), 0o755);
}

/**
 * In their places, each with all of ours that it needs at once; what it may never need (other providers of crypto) stays apart, or
 * the packages that it imports would be loaded with it. Packages stay packages, which npm installs and whose licences lie beside them.
 */
function bundleDaemon(folder: string): void {
  for (const name of DAEMON)
    buildSync({
      entryPoints: [join(folder, name)],
      outdir: folder,
      allowOverwrite: true,
      bundle: true,
      splitting: true,
      chunkNames: 'chunk/[name]-[hash]',
      packages: 'external',
      platform: 'node',
      format: 'esm',
      target: 'node22',
      charset: 'utf8',
      minifyWhitespace: true,
      minifySyntax: true, // names stay as they are: errors show them
      logLevel: 'warning',
    });
}

function packageManifest(manifest: Manifest): Record<string, unknown> {
  const exports = Object.entries(manifest.exports).map(([name, file]) => [name, conditions(file)]);
  return {
    ...Object.fromEntries(FIELDS.map((field) => [field, manifest[field]])),
    bin: manifest.bin,
    exports: Object.fromEntries(exports) as Record<string, unknown>,
  };
}

function conditions(file: string): unknown {
  if (!file.endsWith('.ts')) return file;
  const stem = file.slice(0, -'.ts'.length);
  return { types: `${stem}.d.ts`, default: `${stem}.js` };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2] ?? join(ROOT, 'dist/npm');
  buildPackage(folder);
  process.stdout.write(`${folder}: pack it with npm pack ${folder}\n`);
}
