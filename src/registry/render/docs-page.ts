/**
 * The pages of the API at /docs: Swagger UI draws them from /openapi.json. Everything comes from the registry itself, and addresses are
 * relative, so that they hold wherever the registry is mounted.
 */

/** Of the package swagger-ui-dist: its files keep their names below a folder of this name, and so may be kept for ever. */
export const DOCS_VERSION = '5.35.0';

/** What is served of that package, by media type. */
export const DOCS_FILES = { 'swagger-ui-bundle.js': 'text/javascript', 'swagger-ui.css': 'text/css' } as const;
export type DocsFile = keyof typeof DOCS_FILES;

/** Reads a file of swagger-ui-dist, of the version DOCS_VERSION. */
export type ReadDocsFile = (name: DocsFile) => Promise<Uint8Array<ArrayBuffer>>;

/** For a year, RFC 9111 and RFC 8246: another version has another address. */
export const DOCS_CACHE_CONTROL = 'public, max-age=31536000, immutable';

/**
 * Nothing from elsewhere, no code but in files of ours, nobody frames it: an administrator types a key into this page. `data:` is for the
 * arrows and locks inside of the style sheet.
 */
export const DOCS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const DOCS_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Peerage registry: the API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/${DOCS_VERSION}/swagger-ui.css">
</head>
<body>
<noscript>This page needs JavaScript. <a href="openapi.json">openapi.json</a> is what it shows.</noscript>
<div id="api"></div>
<script src="docs/${DOCS_VERSION}/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;

/** Swagger UI asks a server of its own whether a document is valid, unless told not to. It forgets credentials with the page. */
export const DOCS_SCRIPT = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#api',
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
});
`;

/** What is at the root, for who opens the address of a registry to see what it is. */
export function renderWelcome(registryUrl: string, { hasDocs }: { hasDocs: boolean }): string {
  const docs = hasDocs ? `, or to be read in a browser at ${registryUrl}/docs` : '';
  return `This is a Peerage registry: hosts enrol in a WireGuard VPN here, and find each other.

To join, ask its administrator for a link to it. Then, as root:
  peerage join LINK --name NAME
or, with nothing installed:
  curl -fsS LINK | PEERAGE_NAME=NAME sh

The API is described at ${registryUrl}/openapi.json${docs}
`;
}
