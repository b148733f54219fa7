/** A page in a real browser, driven over the DevTools protocol: what it asks for, what it complains of, and what is on it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { waitFor } from '../interop/lab/wait.ts';

export interface Page {
  /** The value of an expression of JavaScript, which has to fit into JSON. */
  evaluate(expression: string): Promise<unknown>;
  /** Presses keys, as a person would, where the focus is. */
  type(text: string): Promise<void>;
  /** Of every request that it has sent, as `METHOD URL`. */
  readonly requests: readonly string[];
  /** Errors and warnings: of its scripts, of its policy, of answers that are none. */
  readonly complaints: readonly string[];
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { message: string };
}

const OPTIONS = ['--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-port=0'];

/** Ends with the test. */
export async function openPage(t: TestContext, url: string): Promise<Page> {
  const call = await connect(await startChromium(t));
  const requests: string[] = [];
  const complaints: string[] = [];
  const { targetId } = await call('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await call('Target.attachToTarget', { targetId, flatten: true });
  call.onEvent((method, params) => {
    const text = JSON.stringify(params);
    if (method === 'Network.requestWillBeSent') {
      const { request } = params as { request: { method: string; url: string } }; // as the protocol says
      requests.push(`${request.method} ${request.url}`);
    }
    if (method === 'Runtime.exceptionThrown' || (method === 'Log.entryAdded' && !text.includes('"level":"verbose"')))
      complaints.push(text);
    if (method === 'Runtime.consoleAPICalled' && /"type":"(?:error|warning|assert)"/.test(text)) complaints.push(text);
  });
  const ask = (method: string, params: object = {}) => call(method, params, String(sessionId));
  for (const domain of ['Runtime', 'Log', 'Network']) await ask(`${domain}.enable`);
  await ask('Page.navigate', { url });
  return {
    requests,
    complaints,
    async evaluate(expression) {
      const { result, exceptionDetails } = await ask('Runtime.evaluate', { expression, returnByValue: true });
      assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
      return (result as { value: unknown }).value; // as the protocol says
    },
    type: async (text) => void (await ask('Input.insertText', { text })),
  };
}

/** The address of its DevTools. */
async function startChromium(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-chromium-'));
  const child = spawn('chromium', [...OPTIONS, `--user-data-dir=${folder}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'close');
  t.after(async () => {
    child.kill();
    await ended;
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (said += text));
  return waitFor('Chromium listens', () => /DevTools listening on (ws:\S+)/.exec(said)?.[1], { explain: () => said });
}

async function connect(address: string) {
  const socket = new WebSocket(address);
  await once(socket, 'open');
  const waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  let tell: (method: string, params: Record<string, unknown>) => void = () => undefined;
  socket.addEventListener('message', ({ data }) => {
    const { id, method, params = {}, result = {}, error } = JSON.parse(String(data)) as Message; // the protocol's
    if (method !== undefined) tell(method, params);
    if (id === undefined) return;
    if (error === undefined) waiting.get(id)?.resolve(result);
    else waiting.get(id)?.reject(new Error(error.message));
    waiting.delete(id);
  });
  let last = 0;
  const call = (method: string, params: object, sessionId?: string) => {
    const answer = Promise.withResolvers<Record<string, unknown>>();
    waiting.set((last += 1), answer);
    socket.send(JSON.stringify({ id: last, method, params, ...(sessionId !== undefined && { sessionId }) }));
    return answer.promise;
  };
  return Object.assign(call, { onEvent: (listener: typeof tell) => void (tell = listener) });
}
