/** The numbers of the UAPI: decimal digits and nothing else. */

/** A whole number from 0 to `max`, or undefined. */
export function parseUint(text: string, max: number): number | undefined {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return value <= max ? value : undefined;
}
