/**
 * Colours for a terminal (ECMA-48 SGR). Whether a person is looking is the Terminal's to say.
 */

export type Paint = (text: string) => string;

export interface Style {
  bold: Paint;
  dim: Paint;
  underline: Paint;
  red: Paint;
  green: Paint;
  yellow: Paint;
  blue: Paint;
  cyan: Paint;
}

/** `createStyle(ports.terminal.stdoutIsTerminal)`; plain text when it is not one. */
export function createStyle(isTerminal: boolean): Style {
  const paint = (on: number, off: number): Paint =>
    isTerminal ? (text) => `\x1b[${on}m${text}\x1b[${off}m` : (text) => text;
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    underline: paint(4, 24),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    blue: paint(34, 39),
    cyan: paint(36, 39),
  };
}

/** What takes two columns, as Unicode's annex 11 has it: what East Asian scripts are written with, and pictures. */
const WIDE =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}\p{Emoji_Presentation}]/u;
/** Nothing but marks, and what is not seen. */
const NONE = /^[\p{Mn}\p{Me}\p{Cf}]*$/u;

/** Columns that a text takes on the screen, its colours not counted. */
export function visibleLength(text: string): number {
  // oxlint-disable-next-line no-control-regex -- the escape character is what is looked for
  const plain = text.replaceAll(/\x1b\[[\d;]*m/g, '');
  // oxlint-disable-next-line no-control-regex -- all of ASCII
  if (/^[\x00-\x7F]*$/.test(plain)) return plain.length;
  const widths = [...new Intl.Segmenter().segment(plain)].map(({ segment }) =>
    NONE.test(segment) ? 0 : WIDE.test(segment) ? 2 : 1,
  );
  return widths.reduce<number>((columns, width) => columns + width, 0);
}
