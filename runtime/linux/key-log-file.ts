/** The key log of `--debug` in a file, which only its owner can read: whoever has it can read the traffic. */
import { appendFileSync, chmodSync } from 'node:fs';
import type { Log } from '../../src/log.ts';
import { formatKeyLog, type KeyLog } from '../../src/noise/key-log.ts';
import { systemError } from './system-error.ts';

const OWNER_ONLY = 0o600;

/** Appends. Throws UserError when it cannot be written now; when it cannot later on, says so once, and the tunnel goes on. */
export function openKeyLog(file: string, log: Log): KeyLog {
  try {
    appendFileSync(file, '', { mode: OWNER_ONLY });
    chmodSync(file, OWNER_ONLY);
  } catch (error) {
    throw systemError(`cannot write ${file}`, error);
  }
  let isBroken = false;
  return (secrets) => {
    try {
      appendFileSync(file, formatKeyLog(secrets), { mode: OWNER_ONLY });
      isBroken = false;
    } catch (error) {
      if (!isBroken) log.error({ error: systemError(`cannot write ${file}`, error).message }, 'keys are not logged');
      isBroken = true;
    }
  };
}
