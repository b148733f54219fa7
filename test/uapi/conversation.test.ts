import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PrivateKey } from '../../src/keys.ts';
import type { TunnelChange, TunnelState } from '../../src/tunnel/state.ts';
import { Conversation } from '../../src/uapi/conversation.ts';

const KEY = 'b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33';
const STATE: TunnelState = {
  privateKey: undefined,
  publicKey: undefined,
  listenPort: 7,
  fwmark: 0,
  peers: [],
  drops: {},
};

/** A conversation whose answers are taken at once. */
function taken(conversation: Conversation) {
  return {
    push: (text: string) => [...conversation.answer(text)].join(''),
    get isOver() {
      return conversation.isOver;
    },
  };
}

function converse({ errno = 0 } = {}) {
  const changes: TunnelChange[] = [];
  const reasons: string[] = [];
  const conversation = new Conversation({
    get: () => STATE,
    set(change) {
      changes.push(change);
      return errno;
    },
    refused: (reason) => reasons.push(reason),
  });
  return { conversation: taken(conversation), changes, reasons };
}

test('several requests on one connection are answered in their order', () => {
  const { conversation, changes } = converse();
  assert.equal(
    conversation.push('get=1\n\nset=1\nlisten_port=9\n\nget=1\n\n'),
    'listen_port=7\nerrno=0\n\nerrno=0\n\nlisten_port=7\nerrno=0\n\n',
  );
  assert.deepEqual(changes, [{ listenPort: 9, peers: [] }]);
  assert.equal(conversation.isOver, false);
});

test('it does not matter where the text is cut', () => {
  const { conversation, changes } = converse();
  let answers = '';
  for (const char of `set=1\npublic_key=${KEY}\nallowed_ip=10.0.0.0/8\n\nget=1\n\n`) answers += conversation.push(char);
  assert.equal(answers, 'errno=0\n\nlisten_port=7\nerrno=0\n\n');
  assert.equal(changes[0]!.peers!.length, 1);
});

test('a refused set changes nothing, and the connection can be used on', () => {
  const { conversation, changes, reasons } = converse();
  assert.equal(
    conversation.push('set=1\nlisten_port=9\nfwmark=x\nlisten_port=10\n\nget=1\n\n').slice(0, 11),
    'errno=-22\n\n',
  );
  assert.deepEqual(changes, []);
  assert.deepEqual(reasons, ['invalid value for "fwmark"']);
  assert.equal(conversation.isOver, false);
});

test('what the tunnel says to a change is the answer', () => {
  assert.equal(converse({ errno: 98 }).conversation.push('set=1\n\n'), 'errno=-98\n\n');
});

test('what is neither get nor set ends the conversation without an answer', () => {
  for (const text of ['get=2\n', 'GET / HTTP/1.1\n', '\n', 'set=1 \n']) {
    const { conversation } = converse();
    assert.equal(conversation.push(`${text}get=1\n\n`), '', text);
    assert.equal(conversation.isOver, true);
  }
});

test('a get with a value is refused as wireguard-go refuses it', () => {
  const { conversation } = converse();
  assert.equal(conversation.push('get=1\npublic_key=00\n\n'), 'errno=-22\n\n');
  assert.equal(conversation.isOver, true);
});

test('a line or a request without end is cut off and forgotten', () => {
  const line = converse().conversation;
  assert.equal(line.push(`set=1\n${'x'.repeat(5000)}`), 'errno=-22\n\n');
  assert.equal(line.isOver, true);

  const { conversation, changes } = converse();
  conversation.push(`set=1\npublic_key=${KEY}\n`);
  const chunk = `${'x'.repeat(4000)}\n`.repeat(100);
  let answer = '';
  for (let pushed = 0; answer === '' && pushed < 40 << 20; pushed += chunk.length) answer = conversation.push(chunk);
  assert.equal(answer, 'errno=-5\n\n');
  assert.equal(conversation.isOver, true);
  assert.deepEqual(changes, []);
});

test('an unfinished set is never applied', () => {
  const { conversation, changes } = converse();
  assert.equal(conversation.push('set=1\nlisten_port=9\n'), '');
  assert.deepEqual(changes, []);
});

test('secrets are erased once they were applied or written', () => {
  const state: TunnelState = { ...STATE, privateKey: new Uint8Array(32).fill(7) as PrivateKey }; // 32 bytes
  let applied: TunnelChange = {};
  const conversation = taken(
    new Conversation({
      get: () => state,
      set(change) {
        applied = change;
        return change.privateKey![0] === 0xb8 && change.peers![0]!.presharedKey![0] === 0xb8 ? 0 : 22;
      },
    }),
  );
  assert.match(conversation.push('get=1\n\n'), new RegExp(`^private_key=${'07'.repeat(32)}\n`));
  assert.ok(state.privateKey!.every((byte) => byte === 0));
  assert.equal(
    conversation.push(`set=1\nprivate_key=${KEY}\npublic_key=${KEY}\npreshared_key=${KEY}\n\n`),
    'errno=0\n\n',
  );
  assert.ok(applied.privateKey!.every((byte) => byte === 0));
  assert.ok(applied.peers![0]!.presharedKey!.every((byte) => byte === 0));
});
