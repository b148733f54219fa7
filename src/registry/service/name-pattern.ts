/** Patterns of host names, as a token may have one: `web-*`. */

/** A name matches when it is the pattern with some text, perhaps none, in place of each `*`. */
export function matchesPattern(name: string, pattern: string): boolean {
  // Not as a regular expression: several stars would make its time grow with a power of the length.
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first)) return false;
  let from = first.length;
  for (const part of rest) {
    const at = name.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return name.length - last.length >= from && name.endsWith(last);
}
