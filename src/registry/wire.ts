/**
 * The registry's wire format: what hosts and administrators send, and what they get. Validation, the OpenAPI document
 * and the types of the agent all come from these schemas.
 */
import { z } from 'zod';

/** A host name label (RFC 1123), lower case. */
export const HostName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'expected lower-case letters, digits and inner hyphens, at most 63');
/** 44 characters of base64. */
export const PublicKeyText = z
  .string()
  .regex(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/, 'expected 44 characters of base64, as wg pubkey prints them');

/** `name:port`, `192.0.2.1:port` or `[2001:db8::1]:port`. */
const EndpointText = z
  .string()
  .max(300)
  .regex(
    /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$/,
    'expected HOST:PORT, or [IPV6]:PORT',
  );
/** A domain name, lower case. */
const Suffix = z
  .string()
  .max(253)
  .regex(
    /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/,
    'expected a domain name in lower case',
  );
/** An address and a prefix length; what it means is checked by the services. */
export const CidrText = z
  .string()
  .max(49)
  .regex(/^[0-9A-Fa-f:.]+\/[0-9]{1,3}$/, 'expected ADDRESS/LENGTH');
/** A word that groups hosts: `office`, `servers`. */
const Tag = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'expected lower-case letters, digits and inner hyphens, at most 63');
const TagList = z.array(Tag).max(32);
/** Seconds; ten years at most. */
const Seconds = z.number().int().min(0).max(315_360_000);
/** What a host authenticates with. */
export const HostKeyText = z.string().regex(/^pgh_[A-Za-z0-9_-]{43}$/, 'expected pgh_ and 43 characters of base64url');
const Port = z.number().int().min(1).max(65535);
const RouteList = z.array(CidrText).max(64);

/** A peer as another host sees it. */
export const PeerView = z.object({
  name: HostName,
  publicKey: PublicKeyText,
  /** `host:port` or `[v6]:port`; null while nobody knows one. */
  endpoint: EndpointText.nullable(),
  /** Announced, and not in use yet: who wants no gap lets handshakes with it in already. */
  nextPublicKey: PublicKeyText.optional(),
  /** Its own addresses (/32, /128) and the approved routes behind it; a default route only of the exit that the asking host uses. */
  allowedIps: z.array(CidrText),
  /** Seconds; 0 for off. Decided for the asking host: 25 when that host has no endpoint of its own. */
  persistentKeepalive: z.number().int().min(0).max(65535),
});
export type PeerView = z.infer<typeof PeerView>;

/**
 * Everything a host needs to write its wg0.conf, but for the private key that never leaves it. A host writes these texts into
 * a file whose lines are commands: so each has a pattern, and none can hold a line break.
 */
export const HostConfig = z.object({
  network: z.object({ name: HostName, suffix: Suffix, ranges: z.array(CidrText) }),
  host: z.object({
    name: HostName,
    publicKey: PublicKeyText,
    /** With the prefix length of the network, e.g. `10.195.171.142/24`. */
    addresses: z.array(CidrText),
    listenPort: z.number().int().min(0).max(65535),
    endpoint: EndpointText.nullable(),
    /** The approved ones. */
    routes: z.array(CidrText),
    /** Declared, and waiting for an administrator. */
    requestedRoutes: z.array(CidrText).optional(),
    /** The host that its default route goes through; null for none. */
    exit: HostName.nullable().optional(),
    /** When the others will lose sight of it, unless it renews itself; null or left out: never. */
    expiresAt: z.iso.datetime().nullable().optional(),
  }),
  version: z.number().int(),
  peers: z.array(PeerView),
});
export type HostConfig = z.infer<typeof HostConfig>;

/** Answer to POST /v1/enroll (JSON). */
export const Enrolled = HostConfig.extend({
  /** `pgh_...`, shown once. */
  hostKey: HostKeyText,
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

/** The last frame of a socket, which the registry then closes with this code: not every client hears of that at once. */
export const Farewell = z.object({ close: z.number().int(), reason: z.string() });
export type Farewell = z.infer<typeof Farewell>;
/** A frame of GET /v1/socket. */
export const SocketFrame = z.union([PeerList, Farewell]);

/** POST /v1/enroll, form or JSON. */
export const EnrolRequest = z.strictObject({
  name: HostName,
  publicKey: PublicKeyText,
  /** `host:port`; left out by hosts with a dynamic address. */
  endpoint: EndpointText.optional(),
  listenPort: Port.optional(),
  /** Subnets behind the host, and 0.0.0.0/0 or ::/0 for an exit. What the token does not allow waits for an administrator. */
  routes: RouteList.optional(),
  /** The host that its default route shall go through. */
  exit: HostName.optional(),
});
export type EnrolRequest = z.infer<typeof EnrolRequest>;

/** POST /v1/networks/{network}/hosts. */
export const NewHost = EnrolRequest.extend({
  /** At most one of each range; drawn where none is given. */
  addresses: z.array(z.string().max(45)).max(8).optional(),
  tags: TagList.optional(),
});
export type NewHost = z.infer<typeof NewHost>;

/** POST /v1/enroll as a form: `curl --data-urlencode name=teddy ...`. An empty field is one that was left out. */
export const EnrolForm = z.strictObject({
  name: HostName,
  // `curl --data publicKey=...` leaves the plus signs of base64 as they are, and in a form they stand for spaces.
  publicKey: z
    .string()
    .transform((text) => text.replaceAll(' ', '+'))
    .pipe(PublicKeyText),
  endpoint: leftOutWhenEmpty(EndpointText),
  listenPort: leftOutWhenEmpty(
    z
      .string()
      .regex(/^[0-9]{1,5}$/)
      .transform(Number)
      .pipe(Port),
  ),
  /** Separated by commas. */
  routes: leftOutWhenEmpty(
    z
      .string()
      .max(64 * 50)
      .transform((text) => text.split(',').map((route) => route.trim()))
      .pipe(RouteList),
  ),
  exit: leftOutWhenEmpty(HostName),
});

/** PATCH /v1/self. What is left out stays. */
export const SelfPatch = z.strictObject({
  /** All that lies behind the host from now on. What is not approved waits for an administrator. */
  routes: RouteList.optional(),
  /** The host that its default route shall go through; null for none. */
  exit: HostName.nullable().optional(),
});
export type SelfPatch = z.infer<typeof SelfPatch>;

/** POST /v1/report: what a host sees of the others (`wg show dump`), so that hosts behind NAT find each other. */
export const Report = z.strictObject({
  listenPort: Port.optional(),
  observed: z
    .array(
      z.strictObject({
        publicKey: PublicKeyText,
        endpoint: z.string().max(300),
        /** Unix seconds, as `wg show latest-handshakes` prints them. */
        latestHandshake: z.number().int(),
      }),
    )
    .max(10_000),
});
export type Report = z.infer<typeof Report>;

/** Answer to POST /v1/report: the version after it. */
export const Reported = z.object({
  version: z.number().int(),
  /** Of a dump that held more than the registry should see. */
  warning: z.string().optional(),
});
export type Reported = z.infer<typeof Reported>;

const TagOrAll = z
  .string()
  .regex(/^(?:\*|[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)$/, 'expected a tag, or * for all hosts');
const TagGroup = z.array(TagOrAll).min(1).max(32);
/** Hosts with one of the tags `from` and hosts with one of the tags `to` see each other. */
const SightRule = z.strictObject({ from: TagGroup, to: TagGroup });

const networkSettings = {
  listenPort: Port.optional(),
  /** Who sees whom; null: everybody sees everybody. */
  rules: z.array(SightRule).max(256).nullable().optional(),
  /** Seconds that the address of a removed host rests, and that the host can be brought back. */
  quarantine: Seconds.optional(),
  /** Seconds that a host stays without renewing itself; null: for ever. For hosts that come or renew from now on. */
  hostLifetime: Seconds.min(60).nullable().optional(),
  /** Seconds after that in which it may still renew itself. */
  grace: Seconds.optional(),
  /** Seconds without a word after which an ephemeral host goes. */
  silence: Seconds.min(60).optional(),
};

/** PATCH /v1/networks/{network}. */
export const NetworkPatch = z.strictObject(networkSettings);
export type NetworkPatch = z.infer<typeof NetworkPatch>;

/** POST /v1/rotate. */
export const Rotation = z.strictObject({
  /** The next one. The present one takes an announcement back. */
  publicKey: PublicKeyText,
  /** True when the interface has its private key: from now on the others use this one. */
  use: z.boolean().optional(),
});
export type Rotation = z.infer<typeof Rotation>;

/** Answer to POST /v1/renew. */
export const Renewed = z.object({
  /** Null: never. */
  expiresAt: z.iso.datetime().nullable(),
});
export type Renewed = z.infer<typeof Renewed>;

/** POST /v1/networks. What is left out is chosen. */
export const NewNetwork = z.strictObject({
  name: HostName,
  suffix: Suffix.optional(),
  ranges: z.array(CidrText).min(1).max(8).optional(),
  ...networkSettings,
});
export type NewNetwork = z.infer<typeof NewNetwork>;

export const NetworkView = z.object({
  name: HostName,
  suffix: z.string(),
  ranges: z.array(z.string()),
  listenPort: z.number().int(),
  rules: z.array(SightRule).nullable(),
  quarantine: z.number().int(),
  hostLifetime: z.number().int().nullable(),
  grace: z.number().int(),
  silence: z.number().int(),
  /** Moves with every change that a host could see. */
  version: z.number().int(),
  /** Moves when the network itself changes. */
  revision: z.number().int(),
  createdAt: z.iso.datetime(),
});
export type NetworkView = z.infer<typeof NetworkView>;
export const NetworkList = z.object({
  networks: z.array(NetworkView),
  /** `after` of the next page; null on the last one. */
  next: HostName.nullable().optional(),
});
export type NetworkList = z.infer<typeof NetworkList>;

/** POST /v1/networks/{network}/tokens. */
export const NewToken = z.strictObject({
  /** How many hosts may enrol with it; one unless said. */
  uses: z.number().int().min(1).max(10_000).optional(),
  /** Seconds; a day unless said, a year at most. */
  expiresIn: z.number().int().min(1).max(31_536_000).optional(),
  /** The one host name that it is good for. */
  name: HostName.optional(),
  /** Names that it is good for, with `*` for any text: `web-*`. */
  pattern: z
    .string()
    .max(63)
    .regex(/^[a-z0-9*-]+$/, 'expected a host name with * for any text')
    .optional(),
  /** What its hosts are tagged with. */
  tags: TagList.optional(),
  /** Its hosts go by themselves when they have been silent for a while. */
  ephemeral: z.boolean().optional(),
  /** Seconds that its hosts stay without renewing themselves; as the network says, unless said. */
  hostLifetime: Seconds.min(60).optional(),
  /** Subnets that the host may declare as lying behind it, or parts of them; none unless said. */
  routes: RouteList.optional(),
});
export type NewToken = z.infer<typeof NewToken>;

/** The most that a list answers at once, and what it answers unless asked for less. */
export const MAX_PAGE = 1000;

export const TokenView = z.object({
  /** Names the token, opens nothing. */
  id: z.string(),
  state: z.enum(['good', 'used', 'expired', 'revoked']),
  remaining: z.number().int(),
  name: HostName.nullable(),
  pattern: z.string().nullable(),
  routes: z.array(z.string()),
  tags: z.array(Tag),
  ephemeral: z.boolean(),
  hostLifetime: z.number().int().nullable(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
});
export type TokenView = z.infer<typeof TokenView>;
export const TokenList = z.object({
  tokens: z.array(TokenView),
  /** `after` of the next page; null on the last one. */
  next: z.string().nullable(),
});
export type TokenList = z.infer<typeof TokenList>;

export const CreatedToken = TokenView.extend({
  /** `pgt_...`, shown once. */
  token: z.string(),
  /** For a host with nothing installed: the rest of `curl -fsS`, piped to sh; and for `peerage join`. */
  joinUrl: z.string(),
});
export type CreatedToken = z.infer<typeof CreatedToken>;

/** A host as an administrator sees it. */
export const HostView = z.object({
  name: HostName,
  publicKey: PublicKeyText,
  addresses: z.array(z.string()),
  listenPort: z.number().int(),
  /** What the host says of itself. */
  endpoint: z.string().nullable(),
  /** What another host saw last, while it says nothing of itself. */
  observedEndpoint: z.string().nullable(),
  /** The same in the other family. */
  otherEndpoint: z.string().nullable(),
  /** Those that count. */
  routes: z.array(z.string()),
  /** Declared by the host, and not approved. */
  requestedRoutes: z.array(z.string()),
  /** The host that its default route is to go through, as it was chosen, also when that one is gone. */
  exit: HostName.nullable(),
  /** The default routes that its exit has offered, and offers no more: what is for them is dropped. An older registry does not say it. */
  exitClosed: z.array(z.string()).optional(),
  tags: z.array(Tag),
  ephemeral: z.boolean(),
  nextPublicKey: PublicKeyText.nullable(),
  expiresAt: z.iso.datetime().nullable(),
  /** Of an ephemeral host, roughly. */
  seenAt: z.iso.datetime().nullable(),
  version: z.number().int(),
  createdAt: z.iso.datetime(),
});
export type HostView = z.infer<typeof HostView>;
export const HostList = z.object({
  hosts: z.array(HostView),
  /** `after` of the next page; null on the last one. */
  next: HostName.nullable(),
});
export type HostList = z.infer<typeof HostList>;

/** PATCH /v1/networks/{network}/hosts/{host}. */
export const HostPatch = z.strictObject({
  /** Null: it has a dynamic address. */
  endpoint: EndpointText.nullable().optional(),
  listenPort: Port.optional(),
  /** All that count from now on; a route that was asked for is approved by standing here. */
  routes: RouteList.optional(),
  /** Those that go on waiting: what the host asked for and is left out is refused. */
  requestedRoutes: RouteList.optional(),
  /** The host that its default route shall go through; null for none. */
  exit: HostName.nullable().optional(),
  /** All that it is tagged with from now on. */
  tags: TagList.optional(),
});
export type HostPatch = z.infer<typeof HostPatch>;

function leftOutWhenEmpty<T extends z.ZodType>(schema: T) {
  return z.preprocess((value) => (value === '' ? undefined : value), schema.optional());
}
