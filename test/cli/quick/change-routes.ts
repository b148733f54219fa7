/** A program: adds or removes routes of a running interface, as the agent of a registry does. `add|remove NAME PREFIX...` */
import { addRoutes, removeRoutes } from '../../../src/cli/routes.ts';
import { nobleCrypto } from '../../../src/crypto/noble.ts';
import { parseCidr } from '../../../src/ip.ts';
import { files } from '../../../runtime/linux/files.ts';
import { createProcesses } from '../../../runtime/linux/processes.ts';
import { createTerminal } from '../../../runtime/linux/terminal.ts';
import { uapiClient } from '../../../runtime/linux/uapi-client.ts';

const [, program = '', verb, name = '', ...prefixes] = process.argv;
const ports = {
  terminal: createTerminal(),
  processes: createProcesses({ self: [program] }),
  uapi: uapiClient,
  crypto: () => Promise.resolve(nobleCrypto),
  files,
};
const change = verb === 'add' ? addRoutes : removeRoutes;
await change(
  ports,
  name,
  undefined,
  prefixes.flatMap((text) => parseCidr(text) ?? []),
);
