/** The Names port over node:dns, whose lookup is getaddrinfo(3). */
import { lookup } from 'node:dns/promises';
import type { Names } from '../../src/cli/ports.ts';
import { errorCode } from './system-error.ts';

/** These are final; all others may pass, says glibc's wiki of getaddrinfo. */
const PERMANENT: Readonly<Record<string, string>> = {
  ENOTFOUND: 'Name or service not known',
  EAI_NONAME: 'Name or service not known',
  EAI_NODATA: 'No address associated with hostname',
  EAI_FAIL: 'Non-recoverable failure in name resolution',
};

export const names: Names = {
  async whyUnresolved(host) {
    const temporary = { message: 'Temporary failure in name resolution', isTemporary: true };
    try {
      await lookup(host);
      return temporary; // it has come back meanwhile
    } catch (error) {
      const message = PERMANENT[errorCode(error) ?? ''];
      return message === undefined ? temporary : { message, isTemporary: false };
    }
  },
};
