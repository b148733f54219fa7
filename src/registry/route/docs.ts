/** For who opens the registry in a browser: what it is, and the pages of its API. For everybody; none of it tells what the registry holds. */
import { accepts } from 'hono/accepts';
import type { RegistryApp, RouteContext } from '../env.ts';
import { hasSeen } from './conditional.ts';
import {
  DOCS_CACHE_CONTROL,
  DOCS_FILES,
  DOCS_PAGE,
  DOCS_POLICY,
  DOCS_SCRIPT,
  DOCS_VERSION,
  renderWelcome,
  type DocsFile,
  type ReadDocsFile,
} from '../render/docs-page.ts';

/** Whence the pages' larger files come: read, or served by something that stands before the app. Undefined: there are no pages. */
export type DocsSource = ReadDocsFile | 'elsewhere' | undefined;

export function addDocsRoutes(app: RegistryApp, { publicUrl }: RouteContext, source: DocsSource): void {
  app.get('/', (c) => c.text(renderWelcome(publicUrl(c), { hasDocs: source !== undefined })));
  if (source === undefined) return;
  app.get('/docs', (c) => c.html(DOCS_PAGE, 200, { 'content-security-policy': DOCS_POLICY }));
  app.get('/docs/start.js', (c) => c.body(DOCS_SCRIPT, 200, { 'content-type': 'text/javascript; charset=utf-8' }));
  if (source === 'elsewhere') return;
  // Object.keys forgets what the keys are.
  for (const name of Object.keys(DOCS_FILES) as DocsFile[]) addFile(app, name, source);
}

function addFile(app: RegistryApp, name: DocsFile, read: ReadDocsFile): void {
  // Once: to compress it takes longer than a hundred other requests, and anybody may ask. Without anybody it takes no memory.
  let compressed: Promise<ArrayBuffer> | undefined;
  app.get(`/docs/${DOCS_VERSION}/${name}`, async (c) => {
    const coding = accepts(c, { header: 'Accept-Encoding', supports: ['gzip'], default: 'identity' });
    const etag = `"${DOCS_VERSION}-${coding}"`;
    c.header('etag', etag);
    c.header('vary', 'Accept-Encoding');
    c.header('cache-control', DOCS_CACHE_CONTROL);
    if (hasSeen(c, etag)) return c.body(null, 304);
    c.header('content-type', `${DOCS_FILES[name]}; charset=utf-8`);
    if (coding === 'identity') return c.body(await read(name));
    compressed ??= gzip(await read(name));
    c.header('content-encoding', coding);
    return c.body(await compressed);
  });
}

function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  return new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer();
}
