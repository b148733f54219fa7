/**
 * A reporter for `node --test`: its own JUnit, but each test has the file that was run, and not the one that its code is in, which
 * for a suite of test/conformance would be of no suite at all.
 */
import { junit, type TestEvent } from 'node:test/reporters';

type Events = Parameters<typeof junit>[0];

export default async function* reporter(events: Events): AsyncGenerator<string, void> {
  yield* junit(withFilesThatRan(events));
}

async function* withFilesThatRan(events: Events): Events {
  for await (const event of events) {
    const { data } = event;
    // Node tells it of tests in a process of their own; in its types it is not yet.
    if (data !== undefined && 'entryFile' in data && typeof data.entryFile === 'string')
      yield { ...event, data: { ...data, file: data.entryFile } } as TestEvent; // the same event, with another file
    else yield event;
  }
}
