/** A Worker in one file, as wrangler bundles it, and the date that stands for its version. */
import { resolve } from 'node:path';
import { build } from 'esbuild';

/** Workers have a date instead of a version: the newest that this workerd knows. */
export const COMPATIBILITY_DATE = '2026-07-30';

const ROOT = resolve(import.meta.dirname, '../../..');

/** `entry`: a file of the checkout that exports a Worker. */
export async function bundleWorker(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [resolve(ROOT, entry)],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:workers'],
    write: false,
  });
  return outputFiles[0]!.text; // one entry point, one output
}
