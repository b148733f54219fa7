/** The echo responder, pinged through wireguard-go by the system's ping. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatKey, generateKeyPair } from 'peerage';
import { inNamespace } from '../conformance/in-namespace.ts';
import { startExample } from './example.ts';

inNamespace(import.meta.url, ['wireguard-go', 'wg', 'ping'], () => {
  test('wireguard-go reaches it, over IPv4 and IPv6', async () => {
    const ours = generateKeyPair();
    const theirs = generateKeyPair();
    const folder = mkdtempSync(join(tmpdir(), 'peerage-echo-'));
    const configure = (name: string, privateKey: string, peer: string): string => {
      const file = join(folder, name);
      writeFileSync(file, `[Interface]\nPrivateKey = ${privateKey}\n\n[Peer]\n${peer}`, { mode: 0o600 });
      return file;
    };
    const file = configure(
      'echo.conf',
      formatKey(ours.privateKey),
      `PublicKey = ${formatKey(theirs.publicKey)}\nAllowedIPs = 10.0.0.1/32, fd00::1/128\n`,
    );
    const echo = await startExample('examples/echo/echo.ts', /UDP port \d+/, { args: [file] });
    try {
      const port = /UDP port (\d+)/.exec(echo.output)![1];
      const run = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: 'pipe' });
      run('wireguard-go', 'wg0'); // returns when its socket is there
      const theirFile = configure(
        'wg0.conf',
        formatKey(theirs.privateKey),
        `PublicKey = ${formatKey(ours.publicKey)}\nEndpoint = 127.0.0.1:${port}\nAllowedIPs = 10.0.0.2/32, fd00::2/128\n`,
      );
      run('wg', 'setconf', 'wg0', theirFile);
      run('ip', 'address', 'add', '10.0.0.1/24', 'dev', 'wg0');
      run('ip', 'address', 'add', 'fd00::1/64', 'dev', 'wg0', 'nodad');
      run('ip', 'link', 'set', 'wg0', 'up');
      for (const address of ['10.0.0.2', 'fd00::2'])
        run('ping', '-c', '3', '-i', '0.2', '-w', '30', '-s', '1200', address);
      run('ip', 'link', 'delete', 'wg0');
    } finally {
      await echo.stop();
      rmSync(folder, { recursive: true });
    }
  });
});
