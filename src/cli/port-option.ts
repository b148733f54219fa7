/** The value of an option that is a UDP port. */
import { InvalidArgumentError } from 'commander';
import { parsePort } from '../config/fields.ts';

export function parsePortOption(text: string): number {
  const port = parsePort(text);
  // 0 is a port of a configuration, where it stands for any.
  if (port === undefined || port === 0) throw new InvalidArgumentError('Expected a port from 1 to 65535.');
  return port;
}
