/** The C library's words for errno(3), as perror(3) prints them: what scripts around wg(8) look for. */

const WORDS: Readonly<Record<number, string>> = {
  1: 'Operation not permitted',
  2: 'No such file or directory',
  5: 'Input/output error',
  12: 'Cannot allocate memory',
  13: 'Permission denied',
  19: 'No such device',
  20: 'Not a directory',
  21: 'Is a directory',
  22: 'Invalid argument',
  71: 'Protocol error',
  93: 'Protocol not supported',
  95: 'Operation not supported',
  98: 'Address already in use',
  101: 'Network is unreachable',
  104: 'Connection reset by peer',
  110: 'Connection timed out',
  111: 'Connection refused',
};

export function strerror(errno: number): string {
  return WORDS[errno] ?? `Unknown error ${errno}`;
}
