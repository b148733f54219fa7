import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openKeyLog } from '../../../runtime/linux/key-log-file.ts';
import { UserError } from '../../../src/errors.ts';
import { generatePresharedKey, generatePrivateKey, type PublicKey } from '../../../src/keys.ts';
import { silentLog } from '../../../src/log.ts';
import { formatKeyLog } from '../../../src/noise/key-log.ts';
import { seededRandom } from '../../simulation/random.ts';

const random = seededRandom(1).bytes;
const SECRETS = {
  localStaticPrivate: generatePrivateKey(random),
  remoteStaticPublic: random(32) as PublicKey, // 32 bytes
  localEphemeralPrivate: generatePrivateKey(random),
  presharedKey: generatePresharedKey(random),
};

const root = mkdtempSync(join(tmpdir(), 'peerage-'));
after(() => rmSync(root, { recursive: true }));

test('a key log that can no longer be written is complained of once, and written again when it can', () => {
  const folder = join(root, 'logs');
  const file = join(folder, 'keys');
  mkdirSync(folder);
  const errors: string[] = [];
  const keyLog = openKeyLog(file, { ...silentLog, error: (fields) => errors.push(JSON.stringify(fields)) });
  rmSync(folder, { recursive: true });
  keyLog(SECRETS);
  keyLog(SECRETS);
  assert.equal(errors.length, 1);
  assert.match(errors[0]!, /cannot write .*keys: no such file/);
  mkdirSync(folder);
  keyLog(SECRETS);
  assert.equal(readFileSync(file, 'utf8'), formatKeyLog(SECRETS));
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('a key log that cannot be written from the start is refused', () => {
  assert.throws(() => openKeyLog(join(root, 'no', 'such', 'keys'), silentLog), UserError);
});
