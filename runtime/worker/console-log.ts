/** Log lines as JSON on the console, where `wrangler tail` and Workers Logs read them. */
import type { Log } from '../../src/log.ts';

const write = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: object, message: string) =>
  console[level](JSON.stringify({ level, message, ...fields }));

export const consoleLog: Log = {
  debug: write('debug'),
  info: write('info'),
  warn: write('warn'),
  error: write('error'),
};
