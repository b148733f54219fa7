/** Where the UAPI sockets of tunnels are, ours and other implementations' alike. */
import { UserError } from '../../src/errors.ts';
import { ENODEV } from '../../src/uapi/errno.ts';

export const SOCKET_FOLDER = '/var/run/wireguard';

/** IFNAMSIZ less its zero. No space, slash and colon (the kernel's rule), no `%` (its pattern), no name of a folder. */
const INTERFACE_NAME = /^(?!\.{1,2}$)[!-$&-.0-9;-~]{1,15}$/;

/** Whether an interface can have this name. */
export function isInterfaceName(name: string): boolean {
  return INTERFACE_NAME.test(name);
}

/** Throws UserError when no interface can have this name, so that no path can be made of it either. */
export function socketPath(name: string): string {
  if (!isInterfaceName(name))
    throw new UserError(`"${name}" cannot be the name of an interface`, {
      remedy: 'A name has 1 to 15 ASCII characters, without spaces, slashes, colons and percent signs.',
      exitCode: 2,
      errno: ENODEV,
    });
  return `${SOCKET_FOLDER}/${name}.sock`;
}
