/**
 * schemathesis, a fuzzer that others keep, let loose on a real registry: it reads the OpenAPI document, sends what fits it and what
 * does not, with each credential and without, calls one operation with what another answered, and holds every answer to the document.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { describe, test, type TestContext } from 'node:test';
import { isEdge } from '../registry/engines/engine.ts';
import { startLab } from '../registry/lab.ts';

const PROGRAM = resolve(import.meta.dirname, '../../.cache/schemathesis/bin/schemathesis');
/** Never in CI, where it fails instead. */
const skip =
  process.env['CI'] === 'true' || existsSync(PROGRAM) ? false : `${PROGRAM} is not there. Try: bash .ci/schemathesis`;

/** All but positive_data_acceptance: no schema can say that 10.1.2.0/24 is a range and 10.1.2.0/99 is none. */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'missing_required_header',
  'unsupported_method',
  'allow_header_conformance',
  'use_after_free',
  'ensure_resource_availability',
  'ignored_auth',
];

describe('schemathesis finds nothing', { skip, concurrency: 1 }, () => {
  // On workerd all at once, and less of it: the app is the same, and an answer takes three times as long.
  if (!isEdge) test('in what reads and changes', (t) => expectNothingFound(t, ['--exclude-method', 'DELETE']));

  test('when things are also removed, and the caller itself', (t) => expectNothingFound(t, []));
});

async function expectNothingFound(t: TestContext, options: readonly string[]): Promise<void> {
  const lab = await startLab(t);
  // A minute for each answer, so that who is refused on purpose is not soon refused for being refused so often.
  const tick = async (): Promise<void> => {
    lab.clock.now += 60_000;
    // The edge hears of the time with a request. One that does not get there, the next makes good.
    if (isEdge) await lab.ask('GET', '/healthz', { as: null }).catch(() => {});
  };
  const ticking = setInterval(() => void tick(), isEdge ? 100 : 20);
  t.after(() => clearInterval(ticking));
  const token = await lab.token({ uses: 10_000, expiresIn: 365 * 86_400 });
  const { hostKey } = await lab.enrol(token, { name: 'dolores' });
  const folder = dirname(lab.databaseFile); // what it keeps goes with it
  const config = join(folder, 'schemathesis.toml');
  await writeFile(
    config,
    [
      '[auth.openapi]',
      `adminKey.bearer = "${lab.adminKey}"`,
      `hostKey.bearer = "${hostKey}"`,
      `enrolmentToken.bearer = "${token}"`,
      '[parameters]',
      'wait = 0', // held requests would only make the test slow
    ].join('\n'),
    { mode: 0o600 },
  );
  const args = ['--config-file', config, 'run', `${lab.url}/openapi.json`, '--no-color', ...options];
  args.push('--exclude-path', '/v1/dns-query/{key}'); // it cannot write DNS messages,
  args.push('--exclude-path', '/v1/events'); // and waits for the end of what has none
  args.push('--exclude-path', '/v1/socket'); // of the edge: a registry on a host says 501 to everybody
  args.push('--checks', CHECKS.join(','), '--max-examples', isEdge ? '3' : '10');
  args.push('--generation-deterministic', '--report', 'junit', '--report-dir', folder);
  const { code, printed } = await run(args, folder);
  assert.equal(code, 0, printed);
  assert.match(printed, /\b[1-9]\d{2,} generated/, 'hundreds of cases were tried');
  assert(!lab.logged.some((line) => line.includes('"status":5')), 'the registry has not failed');
}

function run(args: readonly string[], cwd: string): Promise<{ code: number | string; printed: string }> {
  return new Promise((done) => {
    execFile(PROGRAM, args, { cwd, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : (error.code ?? 'a signal'), printed: stdout + stderr });
    });
  });
}
