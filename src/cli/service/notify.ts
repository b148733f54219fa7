/**
 * Telling systemd that a service is ready: sd_notify(3).
 *
 * By systemd-notify(1), which is there wherever systemd is: the message is a datagram on a Unix socket, and no runtime of
 * ours sends one. The units allow it with NotifyAccess=all.
 */
import type { Ports } from '../ports.ts';

export async function notifyReady(ports: Pick<Ports, 'processes' | 'terminal'>): Promise<void> {
  if ((ports.processes.env['NOTIFY_SOCKET'] ?? '') === '') return;
  const { exitCode, stderr } = await ports.processes.run('systemd-notify', ['--ready']);
  if (exitCode !== 0) ports.terminal.stderr(`Warning: systemd was not told: ${stderr.trim()}\n`);
}
