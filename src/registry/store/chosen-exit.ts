/** Exits in SQL: what src/registry/store/port.ts says of `exitHostId`. */
import { sql, type SQL } from 'drizzle-orm';
import { EXIT_FAMILIES } from './port.ts';
import { hosts } from './schema.ts';

/** The families of the default routes that were `before` and are not `after`; empty for none. */
export function withdrawnFamilies(before: readonly string[], after: readonly string[]): string {
  return EXIT_FAMILIES.flatMap(([digit, route]) =>
    before.includes(route) && !after.includes(route) ? digit : [],
  ).join('');
}

/** In a query of `hosts`: the id of the exit that the host has chosen. */
export const chosenExitId = (): SQL => sql`substr(${COLUMN}, 1, instr(${COLUMN} || ':', ':') - 1)`;

/** The same choice, after these families were withdrawn from it. */
export function withoutFamilies(families: string): SQL {
  const digits = EXIT_FAMILIES.map(([digit]) =>
    families.includes(digit) ? sql`${digit}` : sql`CASE WHEN ${wasWithdrawn(digit)} THEN ${digit} ELSE '' END`,
  );
  return sql`${chosenExitId()} || ':' || ${sql.join(digits, sql` || `)}`;
}

/** The same choice, after the exit is gone, whose row is still there. */
export function goneExit(): SQL {
  const digits = EXIT_FAMILIES.map(
    ([digit, route]) =>
      sql`CASE WHEN ${wasWithdrawn(digit)} OR EXISTS (SELECT 1 FROM json_each(e.routes) WHERE value = ${route}) THEN ${digit} ELSE '' END`,
  );
  return sql`(SELECT 'gone' || ${sql.join(digits, sql` || `)} || ':' || e.name FROM hosts AS e WHERE e.id = ${chosenExitId()})`;
}

/** By its full name: in an inner query the column alone would be that of the exit. */
const COLUMN = sql.raw(`hosts.${hosts.exitHostId.name}`);

function wasWithdrawn(digit: string): SQL {
  return sql`instr(substr(${COLUMN}, instr(${COLUMN} || ':', ':') + 1), ${digit}) > 0`;
}
