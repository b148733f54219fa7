/** Bundles a program as a user of the package would for a host that is not Node: whatever is not JavaScript's own is an error. */
import { build } from 'esbuild';

/** One ES module. `text`: a module that may import from this folder. Throws when something cannot be resolved. */
export async function bundle(text: string, platform: 'neutral' | 'browser'): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: text, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform,
    // Bundlers read these of packages without "exports"; esbuild's neutral platform has to be told.
    mainFields: ['module', 'main'],
    target: 'es2024',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]!.text;
}
