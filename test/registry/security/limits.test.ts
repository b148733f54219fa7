/** What the registry takes: only fields that it knows, of a size that it can hold, and from everybody at the same time. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { expectProblem, expectStatus, someKey, startLab, type Lab } from '../lab.ts';
import { operationsOf, type Operation, type Schema } from '../operations.ts';

const SLOW_CLIENTS = 300;
const TOO_LARGE = 3_000_000;

describe('limits', () => {
  test('no operation takes a field that it does not know, at any depth', async (t) => {
    const lab = await startLab(t);
    const operations = await operationsWithBody(lab);
    assert(operations.length >= 7, 'the document has bodies');
    for (const operation of operations) {
      const what = `${operation.method} ${operation.path}`;
      for (const [pointer, schema] of objectsOf(operation.body, '#'))
        assert.equal(schema.additionalProperties, false, `${what} takes any field in ${pointer}`);
      // oxlint-disable-next-line no-await-in-loop -- one after the other: they share a registry
      const answer = await askRightly(lab, operation, JSON.stringify({ isAdmin: true }));
      const { errors } = expectProblem('invalid', expectStatus(422, answer));
      assert(
        errors?.some((error) => error.pointer === '#/isAdmin'),
        `${what}: ${answer.text}`,
      );
    }
  });

  test('a body that is too large is refused by every operation that takes one', async (t) => {
    const lab = await startLab(t);
    const body = JSON.stringify({ name: 'x'.repeat(TOO_LARGE) });
    for (const operation of await operationsWithBody(lab))
      // oxlint-disable-next-line no-await-in-loop -- as above
      expectProblem('too-large', expectStatus(413, await askRightly(lab, operation, body)));
  });

  test('clients that send or read slowly keep nobody else waiting, and are answered themselves', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token({ uses: 100 });
    const { hostKey } = await lab.enrol(token);
    const slow = await Promise.all(Array.from({ length: SLOW_CLIENTS }, () => open(t, lab.url)));
    const [headersOnly, halfBody, deaf] = [slow.slice(0, 100), slow.slice(100, 200), slow.slice(200)];
    const start = `POST /v1/enroll HTTP/1.1\r\nHost: registry\r\nAuthorization: Bearer ${token}\r\n`;
    for (const socket of headersOnly) socket.write(start);
    const body = JSON.stringify({ name: 'slow', publicKey: someKey() });
    const headers = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    for (const socket of halfBody) socket.write(`${start}${headers}${body.slice(0, 10)}`);
    const request = `GET /openapi.json HTTP/1.1\r\nHost: registry\r\n\r\n`;
    for (const socket of deaf) socket.pause().write(request.repeat(20));
    // Everybody else goes on meanwhile: to the end of this loop, or the test hangs.
    for (let i = 0; i < 20; i++) {
      // oxlint-disable-next-line no-await-in-loop -- one host after the other comes
      await lab.enrol(token, { name: `host-${i}` });
      // oxlint-disable-next-line no-await-in-loop -- and the first looks for it
      expectStatus(200, await lab.ask('GET', '/v1/peers', { as: hostKey }));
    }
    const [first] = halfBody;
    first!.write(body.slice(10)); // there are a hundred
    const [answer] = await once(first!, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 201 /);
  });
});

async function operationsWithBody(lab: Lab): Promise<Operation[]> {
  const operations = operationsOf(JSON.parse((await lab.ask('GET', '/openapi.json', { as: null })).text));
  return operations.filter(({ body }) => body !== undefined);
}

/** By whom the operation is for, about things that are there as far as that matters. */
async function askRightly(lab: Lab, { method, path, roles }: Operation, body: string) {
  const token = await lab.token();
  const as = {
    adminKey: async () => lab.adminKey,
    enrolmentToken: async () => token,
    hostKey: async () =>
      (
        await lab.enrol(token, {
          name: `h-${someKey()
            .toLowerCase()
            .replaceAll(/[^a-z0-9]/g, '')}`,
        })
      ).hostKey,
  };
  const role = roles[0] as keyof typeof as; // the document has no others, and each operation with a body has one
  return lab.ask(method, path.replaceAll(/\{network\}/g, 'home').replaceAll(/\{\w+\}/g, 'teddy'), {
    as: await as[role](),
    body,
  });
}

/** All objects of a schema, with where they are. */
function* objectsOf(schema: Schema | undefined, pointer: string): Generator<[string, Schema]> {
  if (schema === undefined) return;
  if (schema.properties !== undefined) yield [pointer, schema];
  for (const [name, field] of Object.entries(schema.properties ?? {})) yield* objectsOf(field, `${pointer}/${name}`);
  yield* objectsOf(schema.items, `${pointer}/0`);
}

async function open(t: { after(clean: () => void): void }, url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {}); // when the registry ends, it may reset them
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}
