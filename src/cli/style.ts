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

/** Characters that a text takes on the screen, its colours not counted. */
export function visibleLength(text: string): number {
  // oxlint-disable-next-line no-control-regex -- the escape character is what is looked for
  return text.replaceAll(/\x1b\[[\d;]*m/g, '').length;
}
