/** The files of the pages at /docs, read when somebody asks for them. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { ReadDocsFile } from '../../src/registry/render/docs-page.ts';

/** In a checkout those of the package that they come from; the npm package brings them itself. */
export const DOCS_FOLDER = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../node_modules/swagger-ui-dist/' : '../docs/', import.meta.url),
);

export const readDocsFile: ReadDocsFile = (name) => readFile(`${DOCS_FOLDER}${name}`);
