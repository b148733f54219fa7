/** A D1 database that counts what Cloudflare bills: queries, and rows read and written as D1 itself reports them. */
import type { Database, QueryResult, SqlValue, Statement } from '../../../src/registry/store/database.ts';

export interface Cost {
  readonly queries: number;
  readonly read: number;
  readonly written: number;
}

export interface CountedDatabase {
  readonly database: Database;
  /** What the work has cost. Nothing else may use the database meanwhile. */
  readonly costOf: (work: () => Promise<unknown>) => Promise<Cost>;
}

interface Meta {
  readonly rows_read: number;
  readonly rows_written: number;
}

export function countDatabase(real: Database): CountedDatabase {
  let cost: Cost = { queries: 0, read: 0, written: 0 };
  const count = (result: QueryResult): QueryResult => {
    const meta = result.meta as unknown as Meta; // D1 reports them with each result
    if (!Number.isInteger(meta.rows_read)) throw new TypeError('this database reports no rows');
    cost = {
      queries: cost.queries + 1,
      read: cost.read + meta.rows_read,
      written: cost.written + meta.rows_written,
    };
    return result;
  };

  class CountedStatement implements Statement {
    readonly inner: Statement;
    readonly #query: string;
    constructor(inner: Statement, query: string) {
      this.inner = inner;
      this.#query = query;
    }
    bind(...values: SqlValue[]): Statement {
      return new CountedStatement(this.inner.bind(...values), this.#query);
    }
    async all(): Promise<QueryResult> {
      return count(await this.inner.all());
    }
    async run(): Promise<QueryResult> {
      return count(await this.inner.run());
    }
    async raw(): Promise<unknown[][]> {
      // D1 reports nothing with raw rows: so what only reads is asked once more for its report. What writes names its columns.
      const { results } = count(await this.inner.all());
      return /^\s*(select|with)\b/i.test(this.#query) ? this.inner.raw() : results.map((row) => Object.values(row));
    }
  }

  return {
    database: {
      prepare: (query) => new CountedStatement(real.prepare(query), query),
      async batch(statements) {
        const results = await real.batch(
          statements.map((statement) => (statement instanceof CountedStatement ? statement.inner : statement)),
        );
        return results.map(count);
      },
    },
    async costOf(work) {
      cost = { queries: 0, read: 0, written: 0 };
      await work();
      return cost;
    },
  };
}
