/** The registry's wire format: the audit trail. */
import { z } from 'zod';
import { HostName, MAX_PAGE } from './wire.ts';

/** GET /v1/audit?... */
export const AuditQuery = z.strictObject({
  network: HostName.optional(),
  /** `admin:pga_1a2b3c4d`, `token:pgt_...`, `host:teddy`. */
  actor: z.string().max(100).optional(),
  /** `host.enrol`. */
  action: z.string().max(100).optional(),
  /** Name of a host or network, id of a token. */
  target: z.string().max(100).optional(),
  /** `next` of the page before. */
  before: z.coerce.number().int().min(1).optional(),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).optional(),
});
export type AuditQuery = z.infer<typeof AuditQuery>;

export const AuditEntry = z.object({
  id: z.number().int(),
  at: z.iso.datetime(),
  /** Null for what concerns no single network. */
  network: z.string().nullable(),
  actor: z.string(),
  action: z.string(),
  target: z.string(),
  /** What was changed to what. */
  detail: z.record(z.string(), z.unknown()).nullable(),
  /** Names the request in the registry's log. */
  requestId: z.string().nullable(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;
export const AuditList = z.object({ entries: z.array(AuditEntry), next: z.number().int().nullable() });
export type AuditList = z.infer<typeof AuditList>;
