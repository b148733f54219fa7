/** A line for a person who waits: written over and over, and gone before anything else is said. */
import type { Ports } from './ports.ts';

/** Before anything is said: what is quicker needs no words. */
const PATIENCE_MS = 2000;
const AGAIN_MS = 500;
/** ECMA-48: to the first column, and erase the line. */
const CLEAR = '\r\x1b[K';

/** Does the work, and says `describe()` while it takes long. Nothing where nobody looks. */
export async function withProgress<T>(
  { terminal, services }: Pick<Ports, 'terminal' | 'services'>,
  describe: () => string,
  work: () => Promise<T>,
): Promise<T> {
  if (!terminal.stderrIsTerminal) return work();
  const end = new AbortController();
  const shown = show();
  try {
    return await work();
  } finally {
    end.abort();
    if (await shown) terminal.stderr(CLEAR);
  }

  async function show(): Promise<boolean> {
    let isShown = false;
    for (let pauseMs = PATIENCE_MS; ; pauseMs = AGAIN_MS) {
      // oxlint-disable-next-line no-await-in-loop -- one line after the other
      await services.sleep(pauseMs, end.signal);
      if (end.signal.aborted) return isShown;
      terminal.stderr(`${CLEAR}${describe()} ...`);
      isShown = true;
    }
  }
}
