/**
 * `node runtime/node/build-edge-docs.ts [FOLDER]`: the files of the pages at /docs as a folder (dist/edge unless said) that Cloudflare serves
 * as it is. wrangler.toml has wrangler do so before it looks for them.
 */
import { copyFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { DOCS_CACHE_CONTROL, DOCS_FILES, DOCS_VERSION } from '../../src/registry/render/docs-page.ts';
import { DOCS_FOLDER } from '../linux/docs-files.ts';

/** https://developers.cloudflare.com/workers/static-assets/headers/ */
const HEADERS = `/docs/*
  Cache-Control: ${DOCS_CACHE_CONTROL}
  X-Content-Type-Options: nosniff
`;

/** What is there already stays whole for whoever reads it meanwhile. */
export function buildDocs(folder: string): void {
  const docs = join(folder, 'docs', DOCS_VERSION);
  mkdirSync(docs, { recursive: true });
  const put = (file: string, write: (path: string) => void): void => {
    const unfinished = `${folder}.${process.pid}`; // beside it: a folder that is served has no half files
    write(unfinished);
    renameSync(unfinished, file);
  };
  for (const name of Object.keys(DOCS_FILES))
    put(join(docs, name), (path) => copyFileSync(join(DOCS_FOLDER, name), path));
  put(join(folder, '_headers'), (path) => writeFileSync(path, HEADERS));
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  buildDocs(resolve(process.argv[2] ?? fileURLToPath(new URL('../../dist/edge', import.meta.url))));
