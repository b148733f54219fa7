/** The log of a tunnel or a registry on stderr, with the levels of wireguard-go's LOG_LEVEL, and warn. */
import process from 'node:process';
import type { Log } from '../../src/log.ts';

const LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
type Level = (typeof LEVELS)[number];

const BY_NAME: ReadonlyMap<string, Level> = new Map([
  ...LEVELS.map((level) => [level, level] as const),
  ['verbose', 'debug'],
]);

/** `level`: what LOG_LEVEL says; errors only when it says nothing that is known. */
export function createStderrLog(name: string, level: string | undefined): Log {
  const greatest = LEVELS.indexOf(BY_NAME.get(level ?? '') ?? 'error');
  // Whoever read it may be gone: a daemon lives longer than the terminal it was started from.
  process.stderr.on('error', () => undefined);
  const writer = (own: Level) => (fields: object, message: string) => {
    if (LEVELS.indexOf(own) > greatest) return;
    const time = new Date().toISOString();
    process.stderr.write(`${time} ${own.toUpperCase()} (${name}) ${message} ${JSON.stringify(fields)}\n`);
  };
  return { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') };
}
