/**
 * The text of a configuration file as lines and sections, nothing lost: joining the lines gives the text again.
 *
 * Comments are `#` to the end of the line, as for wg(8) and wg-quick(8), and whole lines that begin with `;`, as in
 * other INI dialects. A `;` elsewhere belongs to the value: `PostUp = a; b`.
 */

export interface Line {
  /** As in the file, with its line ending. */
  raw: string;
  /** First line is 1. */
  number: number;
  content: LineContent;
}

export type LineContent =
  | { type: 'blank' }
  | { type: 'comment' }
  | { type: 'header'; name: string }
  | { type: 'entry'; key: string; value: string }
  | { type: 'unknown'; text: string };

/** `key = value`; the key as written, without white space. */
export interface Entry {
  key: string;
  value: string;
  line: number;
}

/** A header and the lines up to the next one. */
export interface Section {
  /** As written between the brackets. */
  name: string;
  line: number;
  entries: readonly Entry[];
}

export function splitLines(text: string): Line[] {
  return (text.match(/[^\n]*\n|[^\n]+$/g) ?? []).map((raw, i) => ({ raw, number: i + 1, content: readContent(raw) }));
}

/** Whether a key or a section's name, as written, is `name`. */
export function isNamed(written: string, name: string): boolean {
  return written.toLowerCase() === name.toLowerCase();
}

/** The line of the first entry `key` whose value satisfies `matches`; the section's own line when there is none. */
export function lineOf(section: Section, key: string, matches: (value: string) => boolean = () => true): number {
  return section.entries.find((entry) => isNamed(entry.key, key) && matches(entry.value))?.line ?? section.line;
}

function readContent(raw: string): LineContent {
  const whole = raw.trim();
  if (whole === '') return { type: 'blank' };
  if (whole.startsWith('#') || whole.startsWith(';')) return { type: 'comment' };
  const hash = whole.indexOf('#');
  const text = hash < 0 ? whole : whole.slice(0, hash).trimEnd();
  const header = /^\[(.*)\]$/.exec(text);
  if (header !== null) return { type: 'header', name: withoutSpace(header[1] ?? '') };
  const equals = text.indexOf('=');
  if (equals <= 0) return { type: 'unknown', text };
  return { type: 'entry', key: withoutSpace(text.slice(0, equals)), value: text.slice(equals + 1).trim() };
}

// wg(8) drops every space before it looks at a line.
function withoutSpace(text: string): string {
  return text.replaceAll(/\s+/g, '');
}
