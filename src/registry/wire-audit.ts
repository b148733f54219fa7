/** The registry's wire format: the audit trail. */
import { z } from 'zod';
import { HostName, MAX_PAGE } from './wire.ts';

/** GET /v1/audit?... */
export const AuditQuery = z.strictObject({
  network: HostName.optional().describe('Only in this network'),
  actor: z.string().max(100).optional().describe('Only by `admin:pga_1a2b3c4d`, `token:pgt_...` or `host:teddy`'),
  action: z.string().max(100).optional().describe('Only this: `host.enrol`'),
  target: z
    .string()
    .max(100)
    .optional()
    .describe('Only what happened to this host or network (its name), or token (its id)'),
  before: z.coerce.number().int().min(1).optional().describe('`next` of the page before; left out for the first'),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_PAGE)
    .optional()
    .describe('How many are on a page at most; 100 unless said'),
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
