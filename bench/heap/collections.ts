/** What a runtime's log says of its collections between two marks. Pure. */

/** What child.ts prints. Bytes. */
export interface HeapFigures {
  readonly packets: number;
  readonly before: number;
  readonly after: number;
  readonly resident: number;
}

export const JSC_MARK = 'heap-mark';
/** A collection that was forced, in V8's own words. */
const MARK = new RegExp(`testing;|${JSC_MARK}`);
/** V8's --trace-gc, and JavaScriptCore's logGC. */
const COLLECTION = /\d ms: (?:Scavenge|Mark-Compact|Minor Mark-Sweep)|: START .* => (?:Eden|Full)Collection/;

/** Collections between the last two marks. Throws without two marks: then nothing was logged, and zero would be no figure. */
export function countCollections(log: string): number {
  const lines = log.split('\n');
  const marks = lines.flatMap((line, index) => (MARK.test(line) ? [index] : []));
  const [from, to] = marks.slice(-2);
  if (from === undefined || to === undefined) throw new Error('the log of collections has no marks');
  const between = lines.slice(from + 1, to).filter((line) => COLLECTION.test(line)).length;
  // JavaScriptCore's mark comes after the collection that was forced.
  return lines[to]!.includes(JSC_MARK) ? between - 1 : between;
}
