/**
 * The registry's wire format: what hosts and administrators send, and what they get. Validation, the OpenAPI document
 * and the types of the agent all come from these schemas.
 */
import { z } from '@hono/zod-openapi';

/** A host name label (RFC 1123), lower case. */
export const HostName = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
/** 44 characters of base64. */
export const PublicKeyText = z.string().regex(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/);

/** A peer as another host sees it. */
export const PeerView = z.object({
  name: HostName,
  publicKey: PublicKeyText,
  /** `host:port` or `[v6]:port`; null while nobody knows one. */
  endpoint: z.string().nullable(),
  /** Its own addresses (/32, /128) and the approved routes behind it. */
  allowedIps: z.array(z.string()),
  /** Seconds; 0 for off. Decided for the asking host: 25 when that host has no endpoint of its own. */
  persistentKeepalive: z.number().int().min(0).max(65535),
});
export type PeerView = z.infer<typeof PeerView>;

/** Everything a host needs to write its wg0.conf, but for the private key that never leaves it. */
export const HostConfig = z.object({
  network: z.object({ name: z.string(), suffix: z.string(), ranges: z.array(z.string()) }),
  host: z.object({
    name: HostName,
    publicKey: PublicKeyText,
    /** With the prefix length of the network, e.g. `10.195.171.142/24`. */
    addresses: z.array(z.string()),
    listenPort: z.number().int().min(0).max(65535),
    endpoint: z.string().nullable(),
    routes: z.array(z.string()),
  }),
  version: z.number().int(),
  peers: z.array(PeerView),
});
export type HostConfig = z.infer<typeof HostConfig>;

/** Answer to POST /v1/enroll (JSON). */
export const Enrolled = HostConfig.extend({
  /** `pgh_...`, shown once. */
  hostKey: z.string(),
});
export type Enrolled = z.infer<typeof Enrolled>;

/** Answer to GET /v1/peers; with `?since=` only what changed. */
export const PeerList = z.object({
  version: z.number().int(),
  /** False when this is the difference to `since`. */
  full: z.boolean(),
  peers: z.array(PeerView),
  /** Public keys that are gone since. */
  removed: z.array(PublicKeyText),
});
export type PeerList = z.infer<typeof PeerList>;

/** POST /v1/enroll, form or JSON. */
export const EnrolRequest = z.strictObject({
  name: HostName,
  publicKey: PublicKeyText,
  /** `host:port`; left out by hosts with a dynamic address. */
  endpoint: z.string().max(300).optional(),
  listenPort: z.coerce.number().int().min(1).max(65535).optional(),
  /** Subnets behind the host; comma-separated in a form. */
  routes: z.array(z.string()).max(64).optional(),
});
export type EnrolRequest = z.infer<typeof EnrolRequest>;

/** POST /v1/report: what a host sees of the others (`wg show dump`), so that hosts behind NAT find each other. */
export const Report = z.strictObject({
  listenPort: z.number().int().min(1).max(65535).optional(),
  observed: z
    .array(
      z.strictObject({ publicKey: PublicKeyText, endpoint: z.string().max(300), latestHandshake: z.number().int() }),
    )
    .max(10_000),
});
export type Report = z.infer<typeof Report>;
