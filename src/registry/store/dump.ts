/**
 * A whole database as SQL text and back, in the form that `wrangler d1 export` writes and `wrangler d1 execute --file` takes: so a
 * registry moves from SQLite to D1 and from D1 to SQLite.
 */
import { UserError } from '../../errors.ts';
import type { Database } from './database.ts';

/** What a dump does; anything else in a file is not run. */
const DUMP_STATEMENT =
  /^(?:PRAGMA defer_foreign_keys\b|CREATE (?:TABLE|INDEX|UNIQUE INDEX)\b|INSERT INTO\b|DELETE FROM "?sqlite_sequence"?$)/i;

const LISTED = `SELECT name, type, sql FROM sqlite_master
  WHERE sql IS NOT NULL AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*' ORDER BY rowid`;

/** SQL that makes the same tables, rows and indexes in an empty database. All of it is of one moment. */
export async function dumpDatabase(database: Database): Promise<string> {
  const { results: listed } = await database.prepare(LISTED).all();
  const items = listed.map(({ name, type, sql }) => ({ name: String(name), type: String(type), sql: String(sql) }));
  const names = [...items.filter(({ type }) => type === 'table').map(({ name }) => name), 'sqlite_sequence'];
  const columns = await database.batch(
    names.map((name) => database.prepare(`SELECT name FROM pragma_table_info(${quoteText(name)}) ORDER BY cid`)),
  );
  const tables = names.map((name, i) => ({ name, columns: columns[i]!.results.map((column) => String(column.name)) }));
  // In one transaction: others may write meanwhile.
  const contents = await database.batch(tables.map((table) => database.prepare(selectRows(table))));
  const rows = tables.map(({ name, columns }, i) => {
    const into = `INSERT INTO ${quoteName(name)} (${columns.map(quoteName).join(',')})`;
    return contents[i]!.results.map((row) => `${into} VALUES(${String(row['row'])});`);
  });
  const [sequences, created] = [rows.pop() ?? [], items.filter(({ type }) => type === 'table')];
  return [
    'PRAGMA defer_foreign_keys=TRUE;',
    ...created.map(({ sql }) => `${sql};`),
    ...rows.flat(),
    'DELETE FROM sqlite_sequence;',
    ...sequences,
    ...items.filter(({ type }) => type === 'index').map(({ sql }) => `${sql};`),
    '',
  ].join('\n');
}

/** Into an empty database; all of it, or nothing. UserError when the text does more than a dump does. */
export async function loadDump(database: Database, text: string): Promise<void> {
  const statements = splitStatements(text);
  const foreign = statements.find((statement) => !DUMP_STATEMENT.test(statement));
  if (foreign !== undefined)
    throw new UserError(`the file holds SQL that no export has: ${foreign.slice(0, 40)}`, {
      remedy: 'Give a file that `peerage registry export` or `wrangler d1 export` has written.',
    });
  // wrangler writes each table with its rows, but a row cannot refer to a table that is not there yet.
  const isTable = (statement: string): boolean => /^CREATE TABLE/i.test(statement);
  const sorted = [...statements.filter(isTable), ...statements.filter((statement) => !isTable(statement))];
  await database.batch(sorted.map((statement) => database.prepare(statement)));
}

/** Statements without their semicolons. Quoted text and comments may hold semicolons, too. */
export function splitStatements(text: string): string[] {
  const token = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|--[^\n]*|\/\*[^]*?\*\/|;|[^'"`;/-]+|[^]/g;
  const statements = [''];
  for (const [part] of text.matchAll(token)) {
    if (part === ';') statements.push('');
    else if (!/^(?:--|\/\*.)/.test(part)) statements[statements.length - 1] += part;
  }
  return statements.map((statement) => statement.trim()).filter((statement) => statement !== '');
}

function selectRows({ name, columns }: { name: string; columns: readonly string[] }): string {
  // SQLite quotes by itself, so that every value keeps its type.
  const quoted = columns.map((column) => `quote(${quoteName(column)})`).join(` || ',' || `);
  return `SELECT ${quoted} AS "row" FROM ${quoteName(name)} ORDER BY rowid`;
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
