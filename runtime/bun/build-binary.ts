/**
 * `bun runtime/bun/build-binary.ts [--target TARGET --bun FILE] [FILE]`: the single binary, dist/peerage unless said. For another
 * machine than this one, `--target bun-linux-arm64` and the file of that machine's Bun, so that nothing is downloaded.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { build, type BuildConfig } from 'bun';
import { DOCS_FILES } from '../../src/registry/render/docs-page.ts';
import { DOCS_FOLDER } from '../linux/docs-files.ts';
import { collectLicences } from './licences.ts';

const HERE = import.meta.dirname;
const ROOT = resolve(HERE, '../..');

/** The first is the program; the others are threads of it, which `workers` in binary.ts names. */
const ENTRIES = ['binary.ts', 'poll-worker.ts', 'fast-worker.ts'].map((name) => join(HERE, name));

const BUNDLE = {
  entrypoints: ENTRIES,
  root: HERE,
  target: 'bun',
  format: 'esm',
  naming: '[name].js',
  minify: { whitespace: true, syntax: true }, // names stay as they are: errors show them
} as const satisfies BuildConfig;

interface Target {
  target: string;
  /** Bun for that target. */
  bun: string;
}

/** Resolves when the file is there, whole. Rejects with what the bundler says. */
async function buildBinary(file: string, foreign: Target | undefined): Promise<void> {
  const start = new Date();
  mkdirSync(dirname(file), { recursive: true });
  // Beside the file, so that it can be renamed: whoever starts it meanwhile gets the old one or the new one.
  const folder = mkdtempSync(join(dirname(file), '.build-'));
  try {
    const { metafile } = await build({ ...BUNDLE, outdir: join(folder, 'bundle'), metafile: true });
    if (metafile === undefined) throw new Error('Bun says nothing of what it has bundled.');
    const licences = join(folder, 'licences.txt');
    const docs = Object.keys(DOCS_FILES).map((name) => join(DOCS_FOLDER, name));
    const inputs = [...Object.keys(metafile.inputs), ...docs.map((path) => relative(ROOT, path))];
    writeFileSync(licences, collectLicences(ROOT, inputs));
    const outfile = join(folder, 'peerage');
    await build({
      ...BUNDLE,
      bytecode: true, // half the time to start
      compile: {
        outfile,
        assets: [licences, ...docs],
        // Where somebody happens to be must not decide what a program of root's does.
        autoloadDotenv: false,
        autoloadBunfig: false,
        ...(foreign && { target: foreign.target as Bun.Build.CompileTarget, executablePath: resolve(foreign.bun) }), // Bun checks it
      },
    });
    utimesSync(outfile, start, start); // what is changed from here on is newer
    renameSync(outfile, file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const { values, positionals } = parseArgs({
  options: { target: { type: 'string' }, bun: { type: 'string' } },
  allowPositionals: true,
});
const { target, bun } = values;
if ((target === undefined) !== (bun === undefined)) throw new Error('--target and --bun go together.');
const file = resolve(positionals[0] ?? join(ROOT, 'dist/peerage'));
await buildBinary(file, target === undefined || bun === undefined ? undefined : { target, bun });
process.stdout.write(`${file}: one file, without anything beside it\n`);
