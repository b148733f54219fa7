/**
 * The one shape of a database that the registry knows: the part of Cloudflare's D1 that drizzle-orm/d1 calls. D1 has it by
 * itself; every synchronous SQLite gets it from `fromSyncEngine`, so that one store serves Node, Bun, Deno and the edge.
 *
 * There is no interactive transaction: what belongs together is one `batch`, which happens wholly or not at all.
 */
import { createGroupCommit } from './group-commit.ts';

export type SqlValue = string | number | bigint | null | Uint8Array;

export interface QueryResult {
  readonly success: boolean;
  readonly results: readonly Record<string, unknown>[];
  readonly meta: { readonly changes?: number };
}

export interface Statement {
  bind(...values: SqlValue[]): Statement;
  all(): Promise<QueryResult>;
  run(): Promise<QueryResult>;
  /** Rows as arrays, which a join needs when two columns have one name. */
  raw(): Promise<unknown[][]>;
}

export interface Database {
  prepare(query: string): Statement;
  /** In order, in one transaction: an error in any statement undoes all. */
  batch(statements: readonly Statement[]): Promise<QueryResult[]>;
  /** Whether it is in this process, so that a question costs next to nothing. */
  readonly isLocal?: boolean;
}

/** What a synchronous SQLite driver has to offer; about ten lines for each. */
export interface SyncEngine {
  prepare(query: string): SyncStatement;
  /** Runs a statement that has neither parameters nor rows. */
  exec(query: string): void;
  /** Runs the work after what has arrived by now was looked at: setImmediate. Without it, as soon as nothing else runs. */
  soon?(work: () => void): void;
}

export interface SyncStatement {
  /** Whether the statement gives rows. */
  readonly reader: boolean;
  all(values: readonly SqlValue[]): Record<string, unknown>[];
  raw(values: readonly SqlValue[]): unknown[][];
  run(values: readonly SqlValue[]): { changes: number };
}

/** Statements are built anew for each request, but their text repeats: this many stay prepared. */
const PREPARED_LIMIT = 500;

export function fromSyncEngine(engine: SyncEngine): Database {
  const commit = createGroupCommit(engine);
  const prepared = new Map<string, SyncStatement>();

  const prepare = (query: string): SyncStatement => {
    const known = prepared.get(query);
    if (known !== undefined) return known;
    if (prepared.size >= PREPARED_LIMIT) prepared.clear();
    const statement = engine.prepare(query);
    prepared.set(query, statement);
    return statement;
  };

  const execute = (query: string, values: readonly SqlValue[]): QueryResult => {
    const statement = prepare(query);
    if (statement.reader) return { success: true, results: statement.all(values), meta: {} };
    return { success: true, results: [], meta: { changes: statement.run(values).changes } };
  };

  class BoundStatement implements Statement {
    readonly #query: string;
    readonly #values: readonly SqlValue[];
    constructor(query: string, values: readonly SqlValue[]) {
      this.#query = query;
      this.#values = values;
    }
    bind(...values: SqlValue[]): Statement {
      return new BoundStatement(this.#query, values);
    }
    execute(): QueryResult {
      return execute(this.#query, this.#values);
    }
    async all(): Promise<QueryResult> {
      return this.execute();
    }
    async run(): Promise<QueryResult> {
      return this.execute();
    }
    async raw(): Promise<unknown[][]> {
      return prepare(this.#query).raw(this.#values);
    }
  }

  const bound = (statement: Statement): BoundStatement => {
    if (statement instanceof BoundStatement) return statement;
    throw new TypeError('"statements" come from another database');
  };

  return {
    isLocal: true,
    prepare: (query) => new BoundStatement(query, []),
    async batch(statements) {
      const own = statements.map(bound);
      return commit(() => own.map((statement) => statement.execute()));
    },
  };
}
