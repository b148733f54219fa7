/** A network out of what wg-easy up to version 14 keeps: wg0.json, with one server and its clients. */
import { z } from 'zod';
import { parseJson } from '../../agent/exchange.ts';
import { UserError } from '../../errors.ts';
import { formatCidr, maskCidr, parseCidr } from '../../ip.ts';
import { nameOf, uniqueName, type Found, type FoundHost } from './found.ts';

/** Of each only what goes further: private and preshared keys are left behind here. */
const Server = z.object({ publicKey: z.string(), address: z.ipv4() });
const Client = Server.extend({ name: z.string(), enabled: z.boolean().default(true) });
const File = z.object({ server: Server, clients: z.record(z.string(), Client) });

/** wg-easy writes it into the server's file itself. */
const LISTEN_PORT = 51820;
export const SERVER_NAME = 'server';
export const KEYS_NOTE =
  'wg-easy holds the private keys of all clients: make new ones on the clients, and have them enrol, when you can';

/** UserError for a file of another kind. */
export function readWgEasy(text: string, file: string): Found {
  const parsed = File.safeParse(parseJson(text));
  if (!parsed.success)
    throw new UserError(`${file} is no wg0.json of wg-easy`, {
      remedy: 'Name a folder with files NAME.conf, a wg0.json, or a database.',
    });
  const { server, clients } = parsed.data;
  const range = parseCidr(`${server.address}/24`);
  const hosts = [hostOf(SERVER_NAME, server)];
  const notes = [
    `the file does not say where the server is reached: peers find it when it reports, or give it an endpoint`,
    KEYS_NOTE,
  ];
  for (const client of Object.values(clients)) {
    const name = uniqueName(nameOf(client.name, 'client'), hosts);
    if (client.enabled) hosts.push(hostOf(name, client));
    else notes.push(`${name} is disabled, and left out`);
  }
  return { ranges: range === undefined ? [] : [formatCidr(maskCidr(range))], listenPort: LISTEN_PORT, hosts, notes };
}

function hostOf(name: string, { publicKey, address }: z.infer<typeof Server>): FoundHost {
  return { name, publicKey, addresses: [address], endpoint: null, listenPort: undefined, routes: [] };
}
