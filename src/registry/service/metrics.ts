/**
 * What a Prometheus server asks for, in its text format (version 0.0.4). Nothing in it is a secret or comes from a request but as
 * one of a few known words, so neither clients nor hosts can fill the memory of either side.
 */
import type { StoreStatistics } from '../store/port.ts';

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS']);

/** Counts answers. */
export class RequestCounts {
  readonly #counts = new Map<string, { labels: Labels; count: number }>();

  /** `route`: the pattern that matched, never the path. */
  add({ method, route, status }: { method: string; route: string; status: number }): void {
    const labels = { method: METHODS.has(method) ? method : 'other', route, status: String(status) };
    const key = Object.values(labels).join(' ');
    const entry = this.#counts.get(key) ?? { labels, count: 0 };
    entry.count++;
    this.#counts.set(key, entry);
  }

  samples(): Sample[] {
    return [...this.#counts.values()].map(({ labels, count }) => [labels, count]);
  }
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

export interface MetricFacts {
  counts: RequestCounts;
  /** Requests that wait for a change. */
  waiting: number;
  store: StoreStatistics;
  /** Name of the last migration. */
  schema: string;
}

export function renderMetrics({ counts, waiting, store, schema }: MetricFacts): string {
  const byNetwork = (value: (network: StoreStatistics['networks'][number]) => number): Sample[] =>
    store.networks.map((network) => [{ network: network.name }, value(network)]);
  return [
    family('peerage_info', 'gauge', 'Always 1; the labels say what runs.', [[{ schema }, 1]]),
    family('peerage_http_requests_total', 'counter', 'Requests answered since the start.', counts.samples()),
    family('peerage_waiting_requests', 'gauge', 'Requests that wait for a change.', [[{}, waiting]]),
    family(
      'peerage_hosts',
      'gauge',
      'Hosts of a network.',
      byNetwork(({ hosts }) => hosts),
    ),
    family(
      'peerage_tokens',
      'gauge',
      'Enrolment tokens that are good now.',
      byNetwork(({ tokens }) => tokens),
    ),
    family(
      'peerage_network_version',
      'gauge',
      'Moves with each change of a network.',
      byNetwork(({ version }) => version),
    ),
    family('peerage_database_bytes', 'gauge', 'Size of the database.', store.bytes === null ? [] : [[{}, store.bytes]]),
  ].join('');
}

function family(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
