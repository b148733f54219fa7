/** What every TUN adapter must do. The fixture plays the host on the other side of the interface. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Tun, TunEvent } from '../../src/tunnel/ports.ts';
import { waitFor } from '../interop/lab/wait.ts';
import { udpPacket } from './udp-packet.ts';

export interface TunFixture {
  tun: Tun;
  /** An address of the host's on this interface, and one that it reaches through it. */
  local: string;
  remote: string;
  setLink(state: 'up' | 'down'): void | Promise<void>;
  setMtu(mtu: number): void;
  /** Deletes the interface. */
  remove(): void;
  /** The host sends a UDP datagram to the remote address. */
  send(payload: Uint8Array): void;
  /** The payload of the next UDP datagram that reached the host on its local address. */
  receive(): Uint8Array | undefined;
  /** The port that `receive` hears. */
  readonly port: number;
  close(): Promise<void>;
}

const OFFSET = 16;

export function tunConformance(name: string, open: () => Promise<TunFixture>): void {
  const it = (what: string, body: (fixture: TunFixture, events: TunEvent['type'][]) => Promise<void>) =>
    test(what, async () => {
      const fixture = await open();
      const events: TunEvent['type'][] = [];
      fixture.tun.onEvent(({ type }) => events.push(type));
      try {
        await body(fixture, events);
      } finally {
        await fixture.close();
      }
    });
  const up = async (fixture: TunFixture, events: TunEvent['type'][]) => {
    await fixture.setLink('up');
    await waitFor('the interface is up', () => events.includes('up'));
  };

  describe(`TUN: ${name}`, () => {
    it('it starts down, with a name, an MTU of 1420 and nothing to read', async ({ tun }, events) => {
      assert.notEqual(tun.name, '');
      assert.equal(tun.mtu, 1420);
      assert.equal(tun.read(new Uint8Array(99), 0), -1);
      assert.deepEqual(events, []);
    });

    it('going up and down and up is told, each once', async (fixture, events) => {
      await up(fixture, events);
      await fixture.setLink('down');
      await waitFor('it is down', () => events.at(-1) === 'down');
      await fixture.setLink('up');
      await waitFor('it is up again', () => events.length === 3);
      assert.deepEqual(events, ['up', 'down', 'up']);
    });

    it('a refresh tells at once, and then nobody tells again', async (fixture, events) => {
      await fixture.setLink('up');
      fixture.tun.refresh();
      assert.deepEqual(events, ['up']);
      await fixture.setLink('down');
      fixture.tun.refresh();
      fixture.tun.refresh();
      assert.deepEqual(events, ['up', 'down']);
    });

    it('a new MTU is told', async (fixture, events) => {
      await up(fixture, events);
      fixture.setMtu(9000);
      await waitFor('the MTU changes', () => events.includes('mtu'));
      assert.equal(fixture.tun.mtu, 9000);
    });

    it('what the host sends is read, at the offset and nowhere else', async (fixture, events) => {
      await up(fixture, events);
      const payload = Uint8Array.from({ length: 500 }, (_, i) => i);
      fixture.send(payload);
      const buffer = new Uint8Array(2000).fill(0xee);
      const length = await readUdp(fixture.tun, buffer);
      assert.deepEqual(buffer.subarray(OFFSET + length - 500, OFFSET + length), payload);
      assert.equal(buffer[OFFSET]! >>> 4, 4);
      assert.ok(buffer.subarray(0, OFFSET).every((byte) => byte === 0xee));
      assert.ok(buffer.subarray(OFFSET + length).every((byte) => byte === 0xee));
    });

    it('what is written reaches the host', async (fixture, events) => {
      await up(fixture, events);
      const payload = Uint8Array.from({ length: 700 }, (_, i) => 3 * i);
      const packet = udpPacket({ from: fixture.remote, to: fixture.local, port: fixture.port, payload });
      const buffer = new Uint8Array(2000);
      buffer.set(packet, OFFSET);
      assert.equal(fixture.tun.write(buffer, OFFSET, packet.length), true);
      const received = await waitFor('it arrives', () => fixture.receive());
      assert.deepEqual(received, payload);
    });

    it('while it is down nothing can be written', async (fixture, events) => {
      await up(fixture, events);
      await fixture.setLink('down');
      await waitFor('it is down', () => events.at(-1) === 'down');
      const { remote, local, port } = fixture;
      const packet = udpPacket({ from: remote, to: local, port, payload: new Uint8Array(9) });
      assert.equal(fixture.tun.write(packet, 0, packet.length), false);
    });

    it('the listener is called once for each rearm, also for what was there before', async (fixture, events) => {
      const { tun } = fixture;
      await up(fixture, events);
      const buffer = new Uint8Array(2000);
      let calls = 0;
      tun.onReadable(() => calls++);
      fixture.send(new Uint8Array(1));
      tun.rearm();
      await waitFor('the first call', () => calls === 1);
      while (tun.read(buffer, 0) >= 0);
      fixture.send(new Uint8Array(2));
      await waitFor('the packet is there, and nobody was told', () => tun.read(buffer, 0) >= 0);
      assert.equal(calls, 1);
      fixture.send(new Uint8Array(3));
      tun.rearm();
      await waitFor('the second call', () => calls === 2);
    });

    it('that the interface was deleted is told once', async (fixture, events) => {
      const { tun } = fixture;
      await up(fixture, events);
      const buffer = new Uint8Array(2000);
      tun.onReadable(() => {
        while (tun.read(buffer, 0) >= 0);
        tun.rearm();
      });
      tun.rearm();
      fixture.remove();
      await waitFor('it is gone', () => events.at(-1) === 'gone');
      assert.equal(tun.read(buffer, 0), -1);
      assert.equal(events.filter((type) => type === 'gone').length, 1);
    });
  });
}

/** The next UDP packet: a kernel sends other things through a new interface, too. */
function readUdp(tun: Tun, buffer: Uint8Array): Promise<number> {
  return waitFor('a packet arrives', () => {
    buffer.fill(0xee);
    const length = tun.read(buffer, OFFSET);
    return length > 0 && buffer[OFFSET] === 0x45 && buffer[OFFSET + 9] === 17 ? length : undefined;
  });
}
