/** Answers to DNS messages that nobody means well with. What good ones get is asked by dig in dns-over-https.test.ts. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { answerDns } from '../../../src/registry/render/dns-answer.ts';
import { encodeName, TYPE } from '../../../src/registry/render/dns-message.ts';
import { namesOf } from '../../../src/registry/render/names.ts';
import { plainConfig } from '../../../src/registry/render/plain.ts';
import { CONFIG } from './some-config.ts';

const NAMES = namesOf(plainConfig(CONFIG));
const { ranges } = CONFIG.network;
const ask = (message: Uint8Array) => answerDns(message, NAMES, ranges);

const HEADER = [0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
/** Type A of the class IN. */
const IN_A = [0, TYPE.A, 0, 1];
const query = (name: Iterable<number>, header = HEADER) => Uint8Array.of(...header, ...name, ...IN_A);
const codeOf = (answer: Uint8Array | undefined) => (answer === undefined ? undefined : answer[3]! & 0xf);
const answersOf = (answer: Uint8Array | undefined) => answer && answer[6]! * 256 + answer[7]!;

describe('a DNS message', () => {
  test('of arbitrary bytes is answered with the same id, or not at all', () => {
    const good = query(encodeName('dolores.vpn.example.net'));
    const damaged = fc
      .tuple(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length))
      .map(([at, byte, length]) => good.with(at, byte).subarray(0, length));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), damaged), (message) => {
        const answer = ask(message);
        if (answer === undefined) return assert(message.length < 12 || message[2]! >= 0x80);
        assert.deepEqual(answer.subarray(0, 2), message.subarray(0, 2));
        assert(answer[2]! >= 0x80 && [0, 1, 3, 4, 5].includes(codeOf(answer)!));
      }),
      { numRuns: 2000 },
    );
  });

  test('that is an answer is not answered, or two servers could talk for ever', () => {
    const answer = ask(query(encodeName('dolores.vpn.example.net')))!;
    assert.equal(answersOf(answer), 1);
    assert.equal(ask(answer), undefined);
  });

  test('with a name of letters in both cases is understood, and its spelling comes back', () => {
    const message = query(encodeName('DoLoReS.vPn.example.NET'));
    const answer = ask(message)!;
    assert.equal(answersOf(answer), 1);
    assert.deepEqual(answer.subarray(12, message.length), message.subarray(12));
  });

  test('with a dot inside a label asks for no name of ours', () => {
    const label = new TextEncoder().encode('dolores.vpn');
    assert.equal(codeOf(ask(query([label.length, ...label, ...encodeName('example.net')]))), 5);
  });

  test('with a compressed, endless or too long name, or with two questions, is a format error', () => {
    assert.equal(codeOf(ask(query([0xc0, 12]))), 1);
    assert.equal(codeOf(ask(Uint8Array.of(...HEADER, 63, 1))), 1);
    const long = encodeName(Array.from({ length: 5 }, () => 'a'.repeat(60)).join('.'));
    assert.equal(codeOf(ask(query(long))), 1);
    assert.equal(codeOf(ask(query(encodeName('dolores.vpn.example.net'), HEADER.with(5, 2)))), 1);
  });

  test('that wants something done is not implemented, and another class than IN is refused', () => {
    const name = encodeName('dolores.vpn.example.net');
    assert.equal(codeOf(ask(query(name, HEADER.with(2, 5 << 3)))), 4);
    assert.equal(codeOf(ask(Uint8Array.of(...HEADER, ...name, 0, TYPE.A, 0, 3))), 5);
  });
});
