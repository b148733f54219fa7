/** The figures of several rounds, and the table of them. Pure. */

/** Nanoseconds per packet. */
export interface StageFigures {
  readonly ours: number;
  /** Undefined where it is the same for all runtimes. */
  readonly limit?: number | undefined;
}

export type Figures = Readonly<Record<string, StageFigures>>;

/** The shortest of each: whatever disturbs makes longer. */
export function shortest(rounds: readonly Figures[]): Figures {
  const names = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const all = rounds.flatMap((round) => round[name] ?? []);
      const limits = all.flatMap(({ limit }) => limit ?? []);
      return [
        name,
        {
          ours: Math.min(...all.map(({ ours }) => ours)),
          limit: limits.length === 0 ? undefined : Math.min(...limits),
        },
      ];
    }),
  );
}

/** Nanoseconds per message of `bytes`, of the line `+F:25:ChaCha20-Poly1305:2440921831.33` of `openssl speed -mr`. */
export function parseOpensslSpeed(output: string, bytes: number): number {
  const bytesPerSecond = Number(/^\+F:\d+:[^:]+:([\d.]+)$/m.exec(output)?.[1]);
  if (!(bytesPerSecond > 0)) throw new Error(`openssl speed said nothing that can be read:\n${output}`);
  return (bytes * 1e9) / bytesPerSecond;
}

export interface Column {
  readonly runtime: string;
  readonly figures: Figures;
}

/** Stages that are a part of the next one. */
const PARTS: ReadonlySet<string> = new Set(['checksum']);

/** A row for each stage, a column for each runtime: `ours / limit  ratio`. `aead`: the limit where a stage has none of its own. */
export function formatTable(columns: readonly Column[], aead: number): string {
  const names = Object.keys(columns[0]?.figures ?? {});
  const header = ['stage', ...columns.map(({ runtime }) => runtime)];
  const rows = names.map((name) => [
    name,
    ...columns.map(({ figures }) => {
      const { ours, limit = aead } = figures[name] ?? { ours: Number.NaN };
      return `${ours.toFixed(0).padStart(4)} /${limit.toFixed(0).padStart(4)}  ${(ours / limit).toFixed(2)}`;
    }),
  ]);
  const totals = columns.map(({ figures }) =>
    Object.entries(figures).reduce((sum, [name, { ours }]) => (PARTS.has(name) ? sum : sum + ours), 0),
  );
  rows.push(['all', ...totals.map((total) => total.toFixed(0).padStart(4))]);
  return [header, header.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.padEnd(18)).join(' | ')} |\n`)
    .join('');
}
