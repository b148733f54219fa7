/** Reads what the tests of the documents need out of Markdown, as far as these documents use it. */
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');

export interface Document {
  /** Below the checkout: `docs/guide/files.md`. */
  readonly file: string;
  readonly text: string;
}

export interface Line {
  /** `docs/guide/files.md:12` */
  readonly at: string;
  readonly text: string;
}

/** The README and everything below docs/. */
export function readDocuments(): Document[] {
  return globSync(['README.md', 'docs/**/*.md'], { cwd: ROOT })
    .sort()
    .map((file) => ({ file, text: readFileSync(resolve(ROOT, file), 'utf8') }));
}

export function readGuide(name: string): Document {
  const file = `docs/guide/${name}.md`;
  return { file, text: readFileSync(resolve(ROOT, file), 'utf8') };
}

/** The lines of fenced blocks; one that ends in `\` or `|` goes on in the next. */
export function fencedLines(document: Document): Line[] {
  const lines: Line[] = [];
  for (const { at, text, isFenced } of markedLines(document)) {
    if (!isFenced) continue;
    const last = lines.at(-1);
    if (last !== undefined && /(?:\\|\||&&)$/.test(last.text))
      lines[lines.length - 1] = { at: last.at, text: `${last.text.replace(/\\$/, '')}${text}` };
    else lines.push({ at, text });
  }
  return lines;
}

/** The `code` in running text and tables. */
export function codeSpans(document: Document): Line[] {
  return proseLines(document).flatMap(({ at, text }) =>
    [...text.matchAll(/`([^`]+)`/g)].map((match) => ({ at, text: match[1]!.replaceAll('\\|', '|') })),
  );
}

/** Targets of links that lead nowhere outside. */
export function relativeLinks(document: Document): Line[] {
  return proseLines(document).flatMap(({ at, text }) =>
    [...text.replaceAll(/`[^`]+`/g, '').matchAll(/\]\(([^)\s]+)\)/g)]
      .map((match) => ({ at, text: match[1]! }))
      .filter((link) => !/^[a-z]+:/.test(link.text)),
  );
}

/** What `#...` may name, by GitHub's rules. */
export function anchors(document: Document): Set<string> {
  const headings = proseLines(document).flatMap(({ text }) => /^#+ +(.+)$/.exec(text)?.[1] ?? []);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** The cells of all rows below a header that begins with these titles. */
export function tableRows(document: Document, ...titles: string[]): string[][] {
  const head = `| ${titles.join(' | ')} |`;
  const rows: string[][] = [];
  let isInside = false;
  for (const { text } of proseLines(document)) {
    if (!text.startsWith('|')) isInside = false;
    else if (text.startsWith(head)) isInside = true;
    else if (isInside && !/^\|[-|]+$/.test(text)) rows.push(cellsOf(text));
  }
  return rows;
}

function cellsOf(row: string): string[] {
  return row
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

function proseLines(document: Document): Line[] {
  return markedLines(document).filter(({ isFenced }) => !isFenced);
}

/** All lines but the fences themselves. */
function markedLines({ file, text }: Document): (Line & { isFenced: boolean })[] {
  let isFenced = false;
  return text.split('\n').flatMap((line, i) => {
    if (!line.startsWith('```')) return [{ at: `${file}:${i + 1}`, text: line, isFenced }];
    isFenced = !isFenced;
    return [];
  });
}
