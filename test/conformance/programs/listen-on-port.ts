/** Starts the HTTP server of this runtime at the address and port of its arguments, and prints its URL, or what it is told instead. */
import process from 'node:process';
import { UserError } from '../../../src/errors.ts';
import { runtime } from '../../runtime/this-runtime.ts';

const [, , hostname = '', port] = process.argv;
try {
  const server = await runtime.startHttpServer({ fetch: () => new Response(), hostname, port: Number(port) });
  process.stdout.write(`${server.url}\n`);
  await server.close();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stdout.write(`${error.message}\n${error.remedy}\n`);
}
