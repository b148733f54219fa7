/**
 * The registry, assembled: `createRegistry` gives a Hono app that any server of fetch handlers can run.
 *
 * Invariant: every route but those in route/public.ts names a role. Invariant: no log line holds a path, a header or a
 * body, because each of the three can hold a credential.
 */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { requestId } from 'hono/request-id';
import { routePath } from 'hono/route';
import { secureHeaders } from 'hono/secure-headers';
import type { Log } from '../log.ts';
import { clientOfRequest, requestOrigin } from './client-address.ts';
import type { RegistryApp, RegistryEnv, RouteContext } from './env.ts';
import { holdRequests, isHeld } from './service/held-requests.ts';
import { accepted, answerError, answerInvalid, problem } from './problem.ts';
import { addAuditRoute } from './route/audit.ts';
import { addDnsRoutes } from './route/dns.ts';
import { addDocsRoutes, type DocsSource } from './route/docs.ts';
import { addEnrolRoute } from './route/enrol.ts';
import { addEventRoute } from './route/events.ts';
import { addHostViewRoutes } from './route/host-view.ts';
import { addHostRoutes } from './route/hosts.ts';
import { addNameRoutes } from './route/names.ts';
import { addMetricsRoutes } from './route/metrics.ts';
import { addNetworkRoutes } from './route/networks.ts';
import { addPublicRoutes } from './route/public.ts';
import { limitAddress } from './route/role.ts';
import { addSelfRoutes } from './route/self.ts';
import { addSocketRoute } from './route/socket.ts';
import { addTokenRoutes } from './route/tokens.ts';
import { FailureLimit } from './service/failure-limit.ts';
import { RequestCounts } from './service/metrics.ts';
import { RequestLimit } from './service/request-limit.ts';
import type { RegistryPorts } from './service/ports.ts';
import { MIGRATIONS } from './store/migrations.ts';

/** A report about ten thousand peers fits. */
const MAX_BODY_BYTES = 2 * 1024 * 1024;

export interface RegistryOptions {
  ports: RegistryPorts;
  log: Log;
  /** As parsePublicUrl gives it. Without it the registry is called what each client calls it. */
  publicUrl?: string | undefined;
  /** The address at the other end of the connection; each kind of server has its own way to it. */
  peerAddress: (c: Context) => string;
  docs?: DocsSource;
}

export function createRegistry({ ports, log, publicUrl, peerAddress, docs }: RegistryOptions): RegistryApp {
  const app: RegistryApp = new OpenAPIHono<RegistryEnv>({ defaultHook: answerInvalid });
  const context: RouteContext = {
    ports,
    failures: new FailureLimit(),
    requests: new RequestLimit(),
    publicUrl: (c) => publicUrl ?? accepted(requestOrigin(c.req.url, peerAddress(c), (name) => c.req.header(name))),
  };

  const counts = new RequestCounts();
  const schema = MIGRATIONS.at(-1)?.name ?? '';

  app.use(requestId(), secureHeaders());
  app.use(async (c, next) => {
    // Once: to read addresses takes as long as to look a host up.
    c.set(
      'client',
      clientOfRequest(peerAddress(c), (name) => c.req.header(name)),
    );
    await next();
    if (isHeld(c.req.raw)) return;
    // Nearly everything here is for one pair of eyes; what may be kept says so itself.
    if (!c.res.headers.has('cache-control')) c.header('cache-control', 'no-store');
    // The route whose handler ran last, not the last that would match.
    const answered = { method: c.req.method, route: routePath(c), status: c.res.status };
    counts.add(answered);
    log.info({ requestId: c.var.requestId, ...answered }, 'request');
  });
  app.use(limitAddress(context));
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed(c: Context<RegistryEnv>, methods) {
        const answer = problem(c, { reason: 'method-not-allowed', detail: `Use ${methods.join(' or ')} here.` });
        answer.headers.set('allow', methods.join(', '));
        return answer;
      },
    }),
  );
  const limitBody = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError(c: Context<RegistryEnv>) {
      // The rest of the body stays unread, so the connection is of no use for another request.
      c.header('connection', 'close');
      return problem(c, { reason: 'too-large', detail: `Send at most ${MAX_BODY_BYTES} bytes.` });
    },
  });
  // To look for a body makes the server put one together, which costs more than the rest of a small request.
  app.use((c, next) => (isSurelySmall(c) ? next() : limitBody(c, next)));
  app.notFound((c) =>
    problem(c, { reason: 'no-such-path', detail: 'There is nothing here. /openapi.json lists all.' }),
  );
  app.onError((error, c) => answerError(error, c, log));

  addNetworkRoutes(app, context);
  addTokenRoutes(app, context);
  addHostRoutes(app, context);
  addNameRoutes(app, context);
  addEnrolRoute(app, context);
  addHostViewRoutes(app, context);
  addEventRoute(app, context);
  addSocketRoute(app, context);
  addDnsRoutes(app, context);
  addSelfRoutes(app, context);
  addAuditRoute(app, context);
  addMetricsRoutes(app, context, { counts, schema });
  describe(app);
  addDocsRoutes(app, context, docs);
  addPublicRoutes(app, context);
  holdRequests(app, ports);
  return app;
}

/** Whether there is no body, or one that the server ends at a length which is allowed. */
function isSurelySmall({ req }: Context<RegistryEnv>): boolean {
  if (req.method === 'GET' || req.method === 'HEAD') return true;
  const length = req.header('content-length') ?? '';
  return (
    req.header('transfer-encoding') === undefined && /^[0-9]{1,7}$/.test(length) && Number(length) <= MAX_BODY_BYTES
  );
}

/** /openapi.json, out of the same definitions that the routes run by. */
function describe(app: RegistryApp): void {
  const scheme = { type: 'http', scheme: 'bearer' } as const;
  const { openAPIRegistry: document } = app;
  document.registerComponent('securitySchemes', 'adminKey', { ...scheme, description: 'pga_...' });
  document.registerComponent('securitySchemes', 'enrolmentToken', { ...scheme, description: 'pgt_...' });
  document.registerComponent('securitySchemes', 'hostKey', { ...scheme, description: 'pgh_...' });
  const info = {
    title: 'Peerage registry',
    version: '1',
    description: 'Hosts enrol in a WireGuard VPN and find each other.',
  };
  let text: string | undefined;
  app.get('/openapi.json', (c) => {
    // Once: to put it together takes longer than a hundred other requests, and anybody may ask.
    text ??= JSON.stringify(app.getOpenAPI31Document({ openapi: '3.1.0', info }));
    return c.body(text, 200, { 'content-type': 'application/json' });
  });
}
