/** Each curl command of the documents, as it is written there, run with the real curl against a real registry. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { CreatedToken } from '../../src/registry/wire.ts';
import { curlCalls, type CurlCall } from '../docs/curl-calls.ts';
import { readDocuments, readGuide, tableRows } from '../docs/markdown.ts';
import { programOptions } from '../interop/lab/requirements.ts';
import { startShell, type Shell } from './curl-shell.ts';
import { isEdge } from './engines/engine.ts';
import { expectStatus, startLab, type Lab } from './lab.ts';

const CHAPTER = '## Every call, with curl';

/** What stands in the commands for something of the reader's. */
const [TOKEN, HOST_KEY, DNS_KEY] = [/\bTOKEN\b|pgt_[\w-]{43}/g, /\bHOSTKEY\b/g, /(?<=\/dns-query\/)KEY\b/g];
const [PUBLIC_KEY, TOKEN_ID, ETAG] = [/(?<=publicKey=)KEY\b/g, /(?<=\/tokens\/)pgt_[\w-]+/g, /(?<=If-Match: )"\d+"/g];

/** Answers without an end. Runtimes have the first and the edge the second; the table has what the runtimes answer. */
const STREAMS: Readonly<Record<string, number>> = {
  '/v1/events': isEdge ? 501 : 200,
  '/v1/socket': isEdge ? 101 : 501,
};

const QUERY = Buffer.from('AAABAAABAAAAAAAAB2RvbG9yZXMDdnBuB2V4YW1wbGUDbmV0AAABAAE', 'base64url');

describe('the curl commands of the documents', programOptions('curl', 'wg'), () => {
  test('those of the chapter about the API answer as its table says', async (t) => {
    const lab = await startLab(t);
    const shell = await startShell(t, lab);
    await shell.put('admin.auth', `Authorization: Bearer ${lab.adminKey}`);
    const known = new Map([[/(?<=&wait=)55/g, '0']]); // nothing is going to change
    const calls = readCalls().chapter;
    assert.ok(calls.length > 25, `only ${calls.length} were found`);
    for (const call of calls) {
      const answer = await check(call, { lab, shell, known });
      if (call.fields['name'] !== 'charlotte') continue;
      const { id, token } = CreatedToken.parse(JSON.parse(answer));
      known.set(TOKEN_ID, id);
      const { hostKey } = await lab.enrol(token, { name: 'charlotte', routes: ['172.27.88.0/24'] });
      await shell.put('host.auth', `Authorization: Bearer ${hostKey}`);
    }
  });

  test('those of all other chapters are done', async (t) => {
    const lab = await startLab(t);
    const shell = await startShell(t, lab);
    const privateKey = execFileSync('wg', ['genkey'], { encoding: 'utf8' }).trim();
    const publicKey = execFileSync('wg', ['pubkey'], { input: privateKey, encoding: 'utf8' }).trim();
    await shell.put('admin.auth', `Authorization: Bearer ${lab.adminKey}`);
    await shell.put('wg0.key', privateKey);
    await shell.put('query.bin', QUERY);
    const network = { name: 'work', suffix: 'vpn.example.net', ranges: ['10.195.171.0/24'], hostLifetime: 86_400 };
    expectStatus(201, await lab.ask('POST', '/v1/networks', { body: network }));
    const calls = readCalls().others;
    assert.ok(calls.length > 25, `only ${calls.length} were found`);
    const known = new Map([[PUBLIC_KEY, publicKey]]);
    // First, as long as nobody else has those addresses.
    const atAddresses = calls.filter(({ fields }) => 'addresses' in fields);
    for (const call of atAddresses) await check(call, { lab, shell, known });

    const body = { uses: 100, routes: ['172.27.88.0/24', '0.0.0.0/0'] };
    const { token } = expectStatus(201, await lab.ask('POST', '/v1/networks/work/tokens', { body })).read(CreatedToken);
    await lab.enrol(token, { name: 'charlotte' });
    await lab.enrol(token, { name: 'berlin', routes: ['0.0.0.0/0'] });
    known.set(TOKEN, token);
    /** The host that the commands are typed at. */
    const enrolTeddy = async (): Promise<void> => {
      const { hostKey } = await lab.enrol(token, { name: 'teddy', publicKey });
      const { text } = expectStatus(200, await lab.ask('GET', '/v1/dns-url', { as: hostKey }));
      known.set(HOST_KEY, hostKey).set(DNS_KEY, text.trim().split('/').at(-1)!); // no text splits into nothing
      await shell.put('host.auth', `Authorization: Bearer ${hostKey}`);
      await shell.put('wg0.hostkey', hostKey);
      await shell.put('wg0.conf', `# HostKey = ${hostKey}\n`);
    };
    const removeTeddy = async () => expectStatus(204, await lab.ask('DELETE', '/v1/networks/work/hosts/teddy'));
    await enrolTeddy();
    for (const call of calls.filter((each) => !atAddresses.includes(each))) {
      const [doesEnrol, hasHostKey] = [call.url.pathname === '/v1/enroll', call.line.text.includes('HOSTKEY')];
      const isNew = doesEnrol && !hasHostKey;
      if (isNew) await removeTeddy();
      await check(call, { lab, shell, known, ...(doesEnrol && hasHostKey && { expected: 200 }) });
      if (isNew) await removeTeddy();
      if (isNew || call.url.pathname === '/v1/self') await enrolTeddy();
    }
  });
});

interface Surroundings {
  readonly lab: Lab;
  readonly shell: Shell;
  readonly known: ReadonlyMap<RegExp, string>;
  /** Where the table has several. */
  readonly expected?: number;
}

/** Runs the command, whose answer has to have the status in the table; gives what it printed. */
async function check(call: CurlCall, { lab, shell, known, expected }: Surroundings): Promise<string> {
  const { line, method, url, isPiped } = call;
  // What is brought back has to be gone first.
  if (url.pathname.endsWith('/restore'))
    expectStatus(204, await lab.ask('DELETE', url.pathname.replace(/\/restore$/, '')));
  // The example's is that of another time.
  const hasIfMatch = call.headers.some((header) => header.startsWith('If-Match: '));
  const etag = hasIfMatch ? (await lab.ask('GET', url.pathname)).headers.get('etag') : null;
  const now = new Map([...known, ...(etag === null ? [] : [[ETAG, etag] as const])]);
  const stream = STREAMS[url.pathname];
  const ran = await shell.run(call, now, {
    isEndless: stream !== undefined,
    ...(isPiped && { input: `${'A'.repeat(43)}=\t203.0.113.54:55867\t1795372106\n` }),
  });
  const row = STATUSES.find((each) => each.method === method && each.pattern.test(url.pathname));
  assert.equal(ran.status, expected ?? stream ?? row?.status, `${line.at}: ${ran.output}`);
  if (stream === undefined) assert.equal(ran.exitCode, 0, `${line.at}: ${ran.output}`);
  return ran.output;
}

/** Status codes by call, as the table of the chapter has them. */
const STATUSES = tableRows(readGuide('registry'), 'call', 'who', 'does').map(([call = '', , , answer = '']) => {
  const [method = '', path = ''] = call.replaceAll('`', '').split(' ');
  return { method, pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`), status: parseInt(answer, 10) };
});

/** Of all documents. What removes something comes last; a network when nothing is in it any more. */
function readCalls(): { chapter: CurlCall[]; others: CurlCall[] } {
  const { file, text } = readGuide('registry');
  const start = text.slice(0, text.indexOf(CHAPTER)).split('\n').length;
  const isOfChapter = ({ line }: CurlCall): boolean => {
    const [where, number] = line.at.split(':');
    return where === file && Number(number) > start;
  };
  // With this option the registry is the resolver, and that has to have https.
  const calls = readDocuments()
    .flatMap(curlCalls)
    .filter(({ line }) => !line.text.includes('--doh-url'));
  const removals = calls.filter(({ method }) => method === 'DELETE').toReversed();
  const ordered = [...calls.filter(({ method }) => method !== 'DELETE'), ...removals];
  return { chapter: ordered.filter(isOfChapter), others: ordered.filter((call) => !isOfChapter(call)) };
}
