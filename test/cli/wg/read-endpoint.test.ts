import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readEndpoint, type EndpointPorts } from '../../../src/cli/wg/read-endpoint.ts';
import { WgError } from '../../../src/cli/wg/wg-error.ts';

const TEMPORARY = { message: 'Temporary failure in name resolution', isTemporary: true };
const PERMANENT = { message: 'Name or service not known', isTemporary: false };

/** A host whose name server answers the `answersAt`th question, and what it printed and how long it waited. */
function hostWith(options: { answersAt?: number; failure?: typeof TEMPORARY; retries?: string; hasGetent?: boolean }) {
  const { answersAt = Infinity, failure = TEMPORARY, retries, hasGetent = true } = options;
  const pausesMs: number[] = [];
  const printed: string[] = [];
  let questions = 0;
  const ports = {
    processes: {
      env: { WG_ENDPOINT_RESOLUTION_RETRIES: retries },
      run: async (_program: string, [first]: readonly string[]) => {
        if (!hasGetent) return { exitCode: 127, stdout: '', stderr: '' };
        if (first === '--version') return { exitCode: 0, stdout: '', stderr: '' };
        questions += 1;
        return questions >= answersAt
          ? { exitCode: 0, stdout: '203.0.113.54 STREAM dolores.example.net\n', stderr: '' }
          : { exitCode: 2, stdout: '', stderr: '' };
      },
    },
    files: { read: async () => undefined },
    names: { whyUnresolved: async () => failure },
    services: { sleep: async (ms: number) => void pausesMs.push(ms) },
    terminal: { stderr: (text: string) => void printed.push(text) },
  } as unknown as EndpointPorts; // all that it uses
  return { ports, pausesMs, printed };
}

async function refusal(ports: EndpointPorts, text: string): Promise<string> {
  const error: unknown = await readEndpoint(ports, text).then(
    () => assert.fail('it was accepted'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof WgError);
  return error.wgMessage;
}

describe('the name of an endpoint', () => {
  it('is asked for until there is an answer', async () => {
    const { ports, pausesMs, printed } = hostWith({ answersAt: 3 });
    assert.equal((await readEndpoint(ports, 'dolores.example.net:51820')).toString(), '203.0.113.54:51820');
    assert.deepEqual(pausesMs, [1000, 1200]);
    assert.deepEqual(printed, [
      "Temporary failure in name resolution: `dolores.example.net:51820'. Trying again in 1.00 seconds...\n",
      "Temporary failure in name resolution: `dolores.example.net:51820'. Trying again in 1.20 seconds...\n",
    ]);
  });

  it('is asked for 15 times more, with longer and longer pauses, as wg does', async () => {
    const { ports, pausesMs, printed } = hostWith({});
    assert.equal(await refusal(ports, 'a.example:1'), "Temporary failure in name resolution: `a.example:1'");
    assert.equal(
      printed.map((line) => / in ([\d.]+) seconds/.exec(line)?.[1]).join(' '),
      '1.00 1.20 1.44 1.73 2.07 2.49 2.99 3.58 4.30 5.16 6.19 7.43 8.92 10.70 12.84',
    );
    assert.equal(pausesMs.length, 15);
  });

  it('is asked for as often as the environment says, never more than 20 seconds apart', async () => {
    const patient = hostWith({ retries: 'infinity', answersAt: 100 });
    await readEndpoint(patient.ports, 'a.example:1');
    assert.equal(patient.pausesMs.length, 99);
    assert.equal(Math.max(...patient.pausesMs), 20_000);
    const hasty = hostWith({ retries: '0' });
    await refusal(hasty.ports, 'a.example:1');
    assert.equal(hasty.printed.length, 0);
    for (const retries of ['many', '-1', '2147483648'])
      await assert.rejects(
        readEndpoint(hostWith({ retries }).ports, '192.0.2.1:1'),
        /Unable to parse WG_ENDPOINT_RESOLUTION_RETRIES: `/,
      );
  });

  it('is not asked for again where getent is not installed, which is said', async () => {
    const { ports, pausesMs } = hostWith({ hasGetent: false });
    await assert.rejects(readEndpoint(ports, 'a.example:1'), /getent\(1\).* is not installed/);
    assert.deepEqual(pausesMs, []);
  });

  it('is asked for once when it does not exist', async () => {
    const { ports, pausesMs } = hostWith({ failure: PERMANENT });
    assert.equal(await refusal(ports, 'a.example:1'), "Name or service not known: `a.example:1'");
    assert.deepEqual(pausesMs, []);
  });
});
