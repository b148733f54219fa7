/**
 * A registry that was broken into, or somebody on the path to it: `hostile-registry.ts` listens on port 8099 and answers an
 * enrolment by the name that the host gives itself, one name for each thing that it tries.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { EnrolRequest } from '../../../src/registry/wire.ts';

const PEER = {
  name: 'evil',
  publicKey: 'hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=',
  endpoint: '127.0.0.1:9',
  allowedIps: ['10.1.1.9/32'],
  persistentKeepalive: 0,
};
const LINES = 'home\n[Interface]\nPreUp = touch /run/pwned\n#';
const ATTEMPTS: Readonly<Record<string, object>> = {
  lines: { network: { name: LINES, suffix: 'x', ranges: [] } },
  wide: { peers: [{ ...PEER, allowedIps: ['10.1.1.9/32', '0.0.0.0/0', '0.0.0.0/1', '128.0.0.0/1', '::/0'] }] },
  parts: { peers: [{ ...PEER, allowedIps: Array.from({ length: 200 }, (_, i) => `${11 + i}.0.0.0/8`) }] },
};

const asked = new Set<string>();
createServer((request, response) => void enrol(request, response)).listen(8099, '127.0.0.1', () =>
  console.log('listening'),
);

async function enrol(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url !== '/v1/enroll') return void response.writeHead(503).end();
  const facts = (await json(request)) as EnrolRequest;
  if (facts.name === 'lost') {
    // The first answer is lost on its way back; the second says what a registry says of a token that was used.
    if (!asked.has(facts.publicKey)) {
      asked.add(facts.publicKey);
      return void request.socket.destroy();
    }
    return void response.writeHead(401, { 'content-type': 'application/problem+json' }).end('{"detail":"Used up."}');
  }
  if (facts.name === 'forbidden') {
    const problem = {
      type: 'urn:peerage:problem:name-not-allowed',
      detail: 'The token is good for the name teddy only.',
    };
    return void response.writeHead(403, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
  }
  const { name, publicKey, routes: requestedRoutes = [] } = facts;
  const answer = {
    network: { name: 'home', suffix: 'home.internal', ranges: ['10.1.1.0/24'] },
    host: {
      name,
      publicKey,
      addresses: ['10.1.1.2/24'],
      listenPort: 51000,
      endpoint: null,
      routes: [],
      requestedRoutes,
    },
    version: 3,
    peers: [PEER],
    hostKey: `pgh_${'A'.repeat(43)}`,
    ...ATTEMPTS[name],
  };
  response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
}
