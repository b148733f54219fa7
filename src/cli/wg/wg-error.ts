/**
 * Failures of the commands that wg(8) has, too. Called as `wg` the program says them in wg's words, which scripts look
 * for; called as `peerage` in its own, which name the file, the remedy, and no secret.
 */
import { UserError } from '../../errors.ts';
import type { Ports } from '../ports.ts';
import { ENODEV } from '../../uapi/errno.ts';
import { strerror } from './strerror.ts';

const EPROTONOSUPPORT = 93;

export class WgError extends UserError {
  /** All lines that wg(8) would print, without the last line break. */
  readonly wgMessage: string;

  constructor(wgMessage: string, error: UserError = new UserError(wgMessage)) {
    super(error.message, {
      exitCode: error.exitCode,
      cause: error,
      ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
      ...(error.position === undefined ? {} : { position: error.position }),
      ...(error.errno === undefined ? {} : { errno: error.errno }),
    });
    this.wgMessage = wgMessage;
  }
}

/** Wrong usage: `what: \`value'`. The value of a secret is repeated by wg(8) only. */
export function valueError(what: string, value: string, options: { isSecret?: true } = {}): WgError {
  const [shown = ''] = value.split('\0', 1); // where a text ends in C
  const whole = `${what}: \`${shown}'`;
  return new WgError(whole, new UserError(options.isSecret === true ? what : whole, { exitCode: 2 }));
}

/** Does something whose failure wg(8) would report with perror(3): `what: No such file or directory`. */
export async function perror<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof UserError) || error.errno === undefined) throw error;
    throw new WgError(`${what}: ${strerror(error.errno)}`, error);
  }
}

/** As `perror`, for what is done with a tunnel. */
export async function perrorOfTunnel<T>(
  ports: Pick<Ports, 'files'>,
  what: string,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await perror(what, action);
  } catch (error) {
    // Where there is no socket wg(8) asks the kernel, which says this when it has no WireGuard of its own.
    const asksKernel = error instanceof WgError && error.errno === ENODEV;
    if (!asksKernel || (await ports.files.mode('/sys/module/wireguard')) !== undefined) throw error;
    throw new WgError(`${what}: ${strerror(EPROTONOSUPPORT)}`, error);
  }
}
