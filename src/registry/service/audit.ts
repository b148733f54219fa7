/** Who changed what, and when. */
import type { AuditRecord } from '../store/port.ts';
import type { AuditEntry, AuditList, AuditQuery } from '../wire-audit.ts';
import type { RegistryPorts } from './ports.ts';

const PAGE = 100;

/** Newest first. `next` is what to ask for as `before` to read on; null on the last page. */
export async function listAudit({ limit = PAGE, ...filter }: AuditQuery, { store }: RegistryPorts): Promise<AuditList> {
  // One more than is shown says whether there is another page.
  const records = await store.listAudit({ ...filter, limit: limit + 1 });
  const shown = records.slice(0, limit);
  return { entries: shown.map(viewEntry), next: records.length > limit ? (shown.at(-1)?.id ?? null) : null };
}

function viewEntry({ at, network, detail, ...entry }: AuditRecord): AuditEntry {
  // A token that was asked for without a word has nothing to tell.
  const said = detail === null || Object.keys(detail).length === 0 ? null : detail;
  return { ...entry, detail: said, network: network === '' ? null : network, at: new Date(at).toISOString() };
}
