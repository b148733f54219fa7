import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { RunningProcess } from '../../interop/lab/process.ts';
import { labOptions } from '../../interop/lab/requirements.ts';
import { BesideWg } from './beside-wg.ts';

const KEY = 'xFXzNIDQ5NJkY0Pgg5hG1fZg0RAD51nnu5MMBbhlpCg=';
const OTHER = 'L+V9o0fNYkMVKNqsX7spBzD/9oSvxM/C7ZCZX1jLO3Q=';
const PEER = `[Peer]\nPublicKey = ${KEY}\n`;
const COMMANDS = ['setconf', 'addconf', 'syncconf'];

const FILES = [
  '',
  '# nothing\n\n[Interface] # to say\n',
  `[Interface]\nPrivateKey = ${KEY}\nListenPort = 51820\nFwMark = 0xca6c\n`,
  '[ inter face ]\r\nLISTENPORT=5 5\r\nfwmark = off # none',
  '[Interface]\nListenPort = 1\n[Interface]\nListenPort = 2\n',
  PEER,
  `[Peer]\nAllowedIPs = 10.0.0.1/24, fd00:7::1/64\npublic key =${KEY}\nAllowedIPs = 0.0.0.0/0 , 192.0.2.1\n`,
  `${PEER}PresharedKey = ${OTHER}\nPersistentKeepalive = 25\nEndpoint = 192.0.2.1:51820\n`,
  `${PEER}PersistentKeepalive = off\nEndpoint = [2001:db8::1]:1\n[Interface]\nFwMark = 1\n[Peer]\nPublicKey=${OTHER}`,
  `${PEER}${PEER}AllowedIPs = 10.0.0.0/8\n`,
  `${PEER}AllowedIPs = ${Array.from({ length: 3000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`).join(', ')}\n`,
];

const MISTAKES = [
  '; a comment of another kind\n',
  'ListenPort = 1\n',
  '[Elsewhere]\n',
  '[Interface\n',
  `${KEY}\n`,
  `[Interface]\n${KEY}\n`,
  '[Interface]\nPrivateKey =\n',
  '[Interface]\nPrivateKey = short\n',
  `[Interface]\nPrivateKey = ${KEY}${KEY}\n`,
  '[Interface]\nListenPort =\n',
  '[Interface]\nListenPort = http-and-more\n',
  '[Interface]\nFwMark = high\n',
  '[Interface]\nAddress = 10.0.0.1/24\n',
  '[Interface]\nPostUp = echo a = b\n',
  '[Interface]\nEndpoint = 192.0.2.1:1\n',
  '[Peer]\n',
  `[Peer]\nAllowedIPs = 10.0.0.1/8\n${PEER}`,
  '[Peer]\nPublicKey =\n',
  `[Peer]\nPublicKey = ${'A'.repeat(44)}\n`,
  `${PEER}PresharedKey =\n`,
  `${PEER}ListenPort = 1\n`,
  `${PEER}AllowedIPs =\n`,
  `${PEER}AllowedIPs = 10.0.0.1/8, 10.0.0.0/33\n`,
  `${PEER}AllowedIPs = 10.0.0.0/8 10.1.0.0/16\n`,
  `${PEER}Endpoint = 192.0.2.1\n`,
  `${PEER}Endpoint = nowhere.example.net:1\n`,
  `${PEER}PersistentKeepalive = 65536\nAllowedIPs = nothing\n`,
  `${PEER}=\n`,
  `${PEER}PublicKey\n`,
];

describe('wg setconf, addconf and syncconf', labOptions('wg'), () => {
  let beside: BesideWg;
  let tunnel: RunningProcess;
  before(async () => {
    beside = await BesideWg.open();
    tunnel = await beside.serve('wg0', 'errno=0\n\n');
    await beside.write('/etc/nsswitch.conf', 'hosts: files\n');
  });
  after(() => beside[Symbol.asyncDispose]());

  for (const command of ['setconf', 'addconf'])
    it(`tell a tunnel what Debian's tells it: ${command}`, async () => {
      for (const text of FILES) {
        await beside.write('/run/wg0.conf', text);
        assert.match(await beside.sameChange(tunnel, [command, 'wg0', '/run/wg0.conf']), /^set=1\n/, text);
      }
    });

  it("say of mistakes what Debian's say, and tell the tunnel nothing", async () => {
    const before = tunnel.stdout;
    for (const text of MISTAKES) {
      await beside.write('/run/wg0.conf', text);
      for (const command of COMMANDS)
        assert.equal((await beside.same([command, 'wg0', '/run/wg0.conf'])).exitCode, 1, text);
    }
    for (const command of COMMANDS) await beside.same([command, 'wg0', '/run/missing.conf']);
    assert.equal(tunnel.stdout, before);
  });

  it('read a file from a pipe', async () => {
    const change = await beside.sameChange(tunnel, ['addconf', 'wg0', '/dev/stdin'], { input: PEER });
    assert.match(change, /^public_key=c455f3/m);
  });

  it('report that a tunnel cannot be asked, or refuses', async () => {
    await beside.serve('wg22', 'errno=22\n\n', -22);
    await beside.write('/run/wg0.conf', PEER);
    for (const command of COMMANDS) assert.equal((await beside.same([command, 'wg22', '/run/wg0.conf'])).exitCode, 1);
  });
});
