/**
 * Tables of text that fit the terminal. Cells are folded between words, never cut: a key or an address stays whole and
 * can be copied. Where the columns do not fit beside each other for that, each row is a list of its own.
 */
import { visibleLength } from './style.ts';

export interface Column {
  title: string;
  align?: 'left' | 'right';
  /** Left out where the others would not fit beside it. */
  isExtra?: boolean;
}

const GAP = '  ';

/** Lines that end in a line break. `width` is `terminal.columns`; Infinity folds nothing. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string {
  const titles = columns.map((column) => column.title);
  const cells = columns.map((_, i) => [titles, ...rows].map((row) => row[i] ?? ''));
  const minimum = cells.map((texts) => longest(texts.flatMap((text) => text.split(' '))));
  const available = width - GAP.length * (columns.length - 1);
  const isTooWide = rows.length > 0 && minimum.reduce((total, each) => total + each, 0) > available;
  const kept = columns.flatMap((column, i) => (column.isExtra === true ? [] : [i]));
  if (isTooWide && kept.length < columns.length) {
    const others = columns.filter((column) => column.isExtra !== true);
    return formatTable(
      others,
      rows.map((row) => kept.map((i) => row[i] ?? '')),
      width,
    );
  }
  if (isTooWide) return rows.map((row) => formatRecord(titles, row, width)).join('\n');
  const widths = fitWidths(cells.map(longest), minimum, available);
  return [titles, ...rows].map((row) => formatRow(row, columns, widths)).join('');
}

/** Narrows the widest column that can still be narrowed, until all fit or none can. */
function fitWidths(natural: readonly number[], minimum: readonly number[], available: number): number[] {
  const widths = [...natural];
  const sum = (): number => widths.reduce((total, width) => total + width, 0);
  while (sum() > available) {
    let widest = -1;
    widths.forEach((width, i) => {
      if (width > minimum[i]! && width > (widths[widest] ?? 0)) widest = i;
    });
    if (widest < 0) break;
    widths[widest]! -= 1;
  }
  return widths;
}

function longest(texts: readonly string[]): number {
  return texts.reduce((length, text) => Math.max(length, visibleLength(text)), 0);
}

function formatRow(row: readonly string[], columns: readonly Column[], widths: readonly number[]): string {
  const folded = columns.map((_, i) => fold(row[i] ?? '', widths[i]!));
  const height = Math.max(...folded.map((lines) => lines.length));
  let text = '';
  for (let y = 0; y < height; y++) {
    const line = columns.map((column, i) => pad(folded[i]![y] ?? '', widths[i]!, column.align ?? 'left'));
    text += `${line.join(GAP).trimEnd()}\n`;
  }
  return text;
}

/** The cells of a row below each other, each after its title. */
function formatRecord(titles: readonly string[], row: readonly string[], width: number): string {
  const indent = longest(titles);
  return titles
    .flatMap((title, i) =>
      fold(row[i] ?? '', Math.max(1, width - indent - GAP.length)).map((line, y) =>
        `${pad(y === 0 ? title : '', indent, 'left')}${GAP}${line}`.trimEnd(),
      ),
    )
    .map((line) => `${line}\n`)
    .join('');
}

function fold(text: string, width: number): string[] {
  if (visibleLength(text) <= width) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && visibleLength(line) + 1 + visibleLength(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - visibleLength(text)));
  return align === 'left' ? text + space : space + text;
}
