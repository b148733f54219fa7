/** What routes share: the environment of Hono's contexts, and what a route is built from. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Client } from './client-address.ts';
import type { AdminCaller, HostCaller, TokenHolder } from './service/credentials.ts';
import type { FailureLimit } from './service/failure-limit.ts';
import type { RequestLimit } from './service/request-limit.ts';
import type { RegistryPorts } from './service/ports.ts';

export interface RegistryEnv {
  Variables: {
    requestId: string;
    /** For limits. Set for every request. */
    client: Client;
    /** Each is set by the check of the role that a route names, and by nothing else. */
    admin: AdminCaller;
    holder: TokenHolder;
    caller: HostCaller;
  };
}

export type RegistryApp = OpenAPIHono<RegistryEnv>;

export interface RouteContext {
  ports: RegistryPorts;
  failures: FailureLimit;
  requests: RequestLimit;
  /** The registry's address as its clients write it, without a slash at the end. */
  publicUrl: (c: Context<RegistryEnv>) => string;
}
