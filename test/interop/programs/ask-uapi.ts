/** A program: sends each request of a JSON list on its standard input to the tunnel that it is given, and prints the answers as another. */
import { text } from 'node:stream/consumers';
import { uapiClient } from '../../../runtime/linux/uapi-client.ts';

const [, , name = 'wg0'] = process.argv;
const answers: string[] = [];
// One after the other: each may need what the one before did.
// oxlint-disable-next-line no-await-in-loop
for (const request of JSON.parse(await text(process.stdin)) as string[])
  answers.push(await uapiClient.exchange(name, request)); // as the test writes it
process.stdout.write(JSON.stringify(answers));
