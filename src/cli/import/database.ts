/** Which program a database is of, by the tables in it, and what to ask it for. */
import { UserError } from '../../errors.ts';
import type { DatabaseReader } from '../ports.ts';
import type { Found } from './found.ts';
import { INNERNET_QUERIES, readInnernet } from './innernet.ts';
import { readWgEasyDatabase, WG_EASY_QUERIES } from './wg-easy-database.ts';

const TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'";

/** `nowMs`: since 1970, to leave out what has expired. UserError for a database of another kind, or a damaged one. */
export async function readDatabase(file: string, nowMs: number, read: DatabaseReader): Promise<Found> {
  const [tables = []] = await read(file, [TABLES]);
  const has = (name: string): boolean => tables.some((row) => row['name'] === name);
  try {
    if (has('clients_table') && has('interfaces_table'))
      return readWgEasyDatabase(await read(file, WG_EASY_QUERIES), nowMs);
    if (has('peers') && has('cidrs') && has('associations')) return readInnernet(await read(file, INNERNET_QUERIES));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${file} holds something else than wg-easy 15 and innernet 1 write`, {
      remedy: "Look at its version. A folder with the hosts' files NAME.conf can always be imported.",
      cause: error,
    });
  }
  throw new UserError(`${file} is a database neither of wg-easy nor of innernet`, {
    remedy: 'wg-easy 15 keeps wg-easy.db, innernet-server /var/lib/innernet-server/NETWORK.db.',
  });
}
