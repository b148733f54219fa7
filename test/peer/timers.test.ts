/** The table of deadlines, event by event. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Timers } from '../../src/peer/timers.ts';

const NO_JITTER = (length: number) => new Uint8Array(length);

function expired(timers: Timers, now: number): string[] {
  const names: string[] = [];
  for (let timer = timers.takeExpired(now); timer !== undefined; timer = timers.takeExpired(now)) names.push(timer);
  return names;
}

describe('timers', () => {
  it('none is set to begin with', () => {
    const timers = new Timers(NO_JITTER);
    assert.equal(timers.next(), Infinity);
    assert.deepEqual(expired(timers, 1e12), []);
  });

  it('a handshake is retransmitted after five seconds and up to a third of one', () => {
    const delays = Array.from({ length: 512 }, (_, i) => {
      const timers = new Timers(() => Uint8Array.of(i >>> 8, i));
      timers.handshakeInitiated(1_000);
      return timers.next() - 1_000;
    });
    assert.equal(Math.min(...delays), 5_000);
    assert.equal(Math.max(...delays), 5_333);
  });

  it('data that is not answered in fifteen seconds asks for a new handshake, counted from the first', () => {
    const timers = new Timers(NO_JITTER);
    timers.dataSent(0);
    timers.dataSent(14_000);
    assert.equal(timers.next(), 15_000);
    assert.deepEqual(expired(timers, 15_000), ['new-handshake']);
  });

  it('any message that comes in is such an answer', () => {
    const timers = new Timers(NO_JITTER);
    timers.dataSent(0);
    timers.messageReceived(14_999);
    assert.equal(timers.next(), Infinity);
  });

  it('data that came in is answered within ten seconds, counted from the first', () => {
    const timers = new Timers(NO_JITTER);
    timers.dataReceived(0);
    timers.dataReceived(9_000);
    assert.deepEqual(expired(timers, 9_999), []);
    assert.deepEqual(expired(timers, 10_000), ['send-keepalive']);
    assert.equal(timers.next(), Infinity);
  });

  it('any message that is sent is such an answer', () => {
    const timers = new Timers(NO_JITTER);
    timers.dataReceived(0);
    timers.messageSent(5_000);
    assert.equal(timers.next(), Infinity);
  });

  it('the persistent keepalive is put off by every message in either direction', () => {
    const timers = new Timers(NO_JITTER);
    timers.persistentKeepaliveMs = 25_000;
    assert.equal(timers.next(), Infinity);
    timers.messageSent(0);
    timers.messageReceived(10_000);
    assert.equal(timers.next(), 35_000);
    timers.messageSent(20_000);
    assert.equal(timers.next(), 45_000);
    timers.persistentKeepaliveMs = 0;
    assert.equal(timers.next(), Infinity);
  });

  it('keys are erased nine minutes after the latest session, or after giving up when there was none', () => {
    const timers = new Timers(NO_JITTER);
    timers.keysDerived(0);
    timers.keysDerived(60_000);
    timers.handshakeGivenUp(100_000);
    assert.equal(timers.next(), 600_000);
    assert.deepEqual(expired(timers, 600_000), ['erase-keys']);
    timers.handshakeGivenUp(700_000);
    assert.equal(timers.next(), 1_240_000);
  });

  it('giving up stops retransmission and keepalives', () => {
    const timers = new Timers(NO_JITTER);
    timers.handshakeInitiated(0);
    timers.dataReceived(0);
    timers.handshakeGivenUp(1_000);
    assert.deepEqual(expired(timers, 500_000), []);
  });

  it('all that are due are taken, each once', () => {
    const timers = new Timers(NO_JITTER);
    timers.handshakeInitiated(0);
    timers.dataSent(0);
    timers.dataReceived(0);
    assert.equal(timers.isHandshakePending(), true);
    assert.deepEqual(expired(timers, 20_000), ['retransmit-handshake', 'send-keepalive', 'new-handshake']);
    assert.equal(timers.isHandshakePending(), false);
  });
});

describe('timers that catch up with what others did', () => {
  const NEVER = { sentAt: 0, dataSentAt: 0, receivedAt: 0, dataReceivedAt: 0 };

  it('are what they would be had they been told at once, but for what came between first and latest', () => {
    const timers = new Timers(NO_JITTER);
    assert.equal(timers.catchUp({ ...NEVER, sentAt: 400, dataSentAt: 400 }), true);
    assert.equal(timers.next(), 15_400);
    assert.equal(timers.catchUp({ ...NEVER, sentAt: 900, dataSentAt: 900 }), true);
    assert.equal(timers.next(), 15_400, 'still no answer to the first');
    assert.equal(timers.catchUp({ sentAt: 900, dataSentAt: 900, receivedAt: 950, dataReceivedAt: 950 }), true);
    assert.equal(timers.next(), 10_950, 'the answer wants one');
    assert.equal(timers.catchUp({ sentAt: 1_000, dataSentAt: 900, receivedAt: 950, dataReceivedAt: 950 }), true);
    assert.equal(timers.next(), Infinity, 'a keepalive was that');
  });

  it('count the wait anew when something came in between', () => {
    const timers = new Timers(NO_JITTER);
    timers.catchUp({ ...NEVER, sentAt: 1_000, dataSentAt: 1_000 });
    timers.catchUp({ ...NEVER, sentAt: 9_000, dataSentAt: 9_000, receivedAt: 8_000 });
    assert.equal(timers.next(), 24_000);
  });

  it('do nothing for what they know already', () => {
    const timers = new Timers(NO_JITTER);
    const activity = { sentAt: 500, dataSentAt: 500, receivedAt: 600, dataReceivedAt: 600 };
    assert.equal(timers.catchUp(activity), true);
    timers.messageSent(700); // our own keepalive
    assert.equal(timers.catchUp(activity), false);
    assert.equal(timers.next(), Infinity);
  });

  it('make nothing of what was over before it was told', () => {
    const timers = new Timers(NO_JITTER);
    timers.persistentKeepaliveMs = 25_000;
    timers.forgetUntil(1_000);
    assert.equal(timers.catchUp({ sentAt: 1_000, dataSentAt: 900, receivedAt: 800, dataReceivedAt: 800 }), false);
    assert.equal(timers.next(), Infinity);
    // Nor does what comes after bring it back.
    timers.catchUp({ sentAt: 1_000, dataSentAt: 900, receivedAt: 1_100, dataReceivedAt: 800 });
    assert.equal(timers.next(), 26_100);
  });

  it('put off a persistent keepalive to the interval after the latest of both', () => {
    const timers = new Timers(NO_JITTER);
    timers.persistentKeepaliveMs = 25_000;
    timers.catchUp({ ...NEVER, sentAt: 500, receivedAt: 800 });
    assert.equal(timers.next(), 25_800);
  });
});
