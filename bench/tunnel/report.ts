/** The table that a person reads, and the JSON that is kept. Pure. */
import { pairedRatio, summarize, type Summary } from './statistics.ts';

/** One figure of one contender, a value per round. */
export interface Series {
  readonly scenario: string;
  readonly figure: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly contender: string;
  readonly values: readonly number[];
}

export interface Row extends Summary {
  readonly figure: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly contender: string;
  /** To the reference, of the same rounds; undefined for the reference itself. */
  readonly ratio: number | undefined;
}

const BAR_WIDTH = 24;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** In the order of the series; ratios are to the series of `reference` with the same figure. */
export function toRows(series: readonly Series[], reference: string | undefined): Row[] {
  return series.map(({ figure, unit, better, contender, values }) => {
    const theirs = series.find((other) => other.contender === reference && other.figure === figure);
    const ratio = theirs === undefined || contender === reference ? undefined : pairedRatio(values, theirs.values);
    return { figure, unit, better, contender, ratio, ...summarize(values) };
  });
}

/** A line per row; rows of one figure stand together, with bars in the proportion of their medians. */
export function formatRows(rows: readonly Row[], { bars }: { bars: boolean }): string {
  const figures = [...new Set(rows.map((row) => row.figure))];
  const width = Math.max(0, ...rows.map((row) => row.contender.length));
  return figures
    .map((figure) => {
      const group = rows.filter((row) => row.figure === figure);
      const most = Math.max(...group.map((row) => row.median));
      const { unit, better } = group[0]!; // a figure comes from a row
      const lines = group.map((row) => {
        const spread = row.rounds > 1 ? `${number(row.min)}..${number(row.max)}` : '';
        const cells = [
          row.contender.padEnd(width),
          number(row.median).padStart(9),
          ratio(row.ratio),
          spread.padStart(19),
        ];
        return `  ${cells.join('  ')}${bars ? `  ${bar(row.median / most)}` : ''}`.trimEnd();
      });
      return [`${figure}, ${unit} (${better} is better)`, ...lines, ''].join('\n');
    })
    .join('\n');
}

/** `part` of the full width, in eighths of a character. */
export function bar(part: number): string {
  if (!(part > 0)) return '';
  const eighths = Math.round(Math.min(part, 1) * BAR_WIDTH * 8);
  return '█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7];
}

function ratio(value: number | undefined): string {
  return (value === undefined || Number.isNaN(value) ? '' : `${value.toFixed(2)}x`).padStart(6);
}

/** Three digits that count. */
function number(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
