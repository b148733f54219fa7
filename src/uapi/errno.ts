/** The errno values that an answer of the UAPI carries; 0 stands for success. They are Linux's numbers. */

export const OK = 0;
export const EIO = 5;
export const ENODEV = 19;
export const EINVAL = 22;
export const ENOSPC = 28;
export const EPROTO = 71;
export const EADDRINUSE = 98;

const MEANINGS: Readonly<Record<number, string>> = {
  [EIO]: 'input/output error',
  [EINVAL]: 'invalid value',
  [ENOSPC]: 'too many allowed IPs',
  [EPROTO]: 'malformed request',
  [EADDRINUSE]: 'port in use',
};

/** `22 (invalid value)`. */
export function describeErrno(errno: number): string {
  const meaning = MEANINGS[errno];
  return meaning === undefined ? `${errno}` : `${errno} (${meaning})`;
}
