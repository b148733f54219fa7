/** The licences of all that a bundle is made of: of the project, of each package that is in it, and of Bun, which runs it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Manifest {
  name: string;
  version: string;
  license: string;
  author?: string | { name: string };
}

/** Where the words of a licence are, for packages that name one and do not bring it. */
const STANDARD_TEXTS: Readonly<Record<string, string>> = {
  MIT: 'LICENSE',
  'Apache-2.0': 'node_modules/typescript/LICENSE',
};

const RULE = `\n${'-'.repeat(78)}\n\n`;
const BUN = `Bun ${Bun.version}

MIT License, Copyright (c) 2022-present Oven. Bun statically links JavaScriptCore and WebKit (LGPL-2), BoringSSL, SQLite, libuv,
zlib-ng, zstd, brotli, c-ares, lol-html, mimalloc, simdutf and others, each under its own licence, and its source is at
https://github.com/oven-sh/bun: see https://bun.com/docs/project/license, also for how to link it anew.
`;

/** `inputs`: files below `root`, as a bundler lists them. Throws when a package has no licence to show. */
export function collectLicences(root: string, inputs: readonly string[]): string {
  const folders = new Set(
    inputs.flatMap((input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(input) ?? []),
  );
  const packages = [...folders].sort().map((folder) => licenceOf(root, folder));
  // Beside a file that is a bundle itself.
  const bundled = inputs.map((input) => `${input}.LICENSE.txt`).filter((file) => existsSync(join(root, file)));
  const theirs = bundled.map((file) => `In ${file.slice(0, -'.LICENSE.txt'.length)}\n\n${readText(root, file)}\n`);
  return [licenceOf(root), ...packages, ...theirs, BUN].join(RULE);
}

function licenceOf(root: string, path = '.'): string {
  const folder = join(root, path);
  const manifest = readText(folder, 'package.json');
  const { name, version, license, author } = JSON.parse(manifest) as Manifest; // npm has checked it
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const title = `${name} ${version} (${license})`;
  const notice = existsSync(join(folder, 'NOTICE')) ? `${readText(folder, 'NOTICE')}\n\n` : '';
  if (file !== undefined) return `${title}\n\n${notice}${readText(folder, file)}\n`;
  const elsewhere = STANDARD_TEXTS[license];
  if (elsewhere === undefined) throw new Error(`${folder} has no file with its licence.`);
  const holder = typeof author === 'string' ? author : (author?.name ?? `the authors of ${name}`);
  const [, terms = ''] = readText(root, elsewhere).split(/^Copyright .*\n/m);
  return `${title}\n\nCopyright (c) ${holder}\n${terms || readText(root, elsewhere)}\n`;
}

function readText(folder: string, file: string): string {
  return readFileSync(join(folder, file), 'utf8').trim();
}
