/** What a Device has to send, and an endpoint as the words of a table. */
import type { Device } from '../../src/device/device.ts';
import type { Endpoint } from '../../src/peer/endpoint.ts';
import { ENDPOINT_WORDS, writeEndpoint } from '../../src/plane/endpoint-words.ts';

export function drain(device: Device): Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  for (let output = device.poll(); output !== undefined; output = device.poll())
    if (output.type === 'datagram') datagrams.push(output.buffer.slice(output.offset, output.offset + output.length));
  return datagrams;
}

export function wordsOf(endpoint: Endpoint): Int32Array {
  const words = new Int32Array(ENDPOINT_WORDS);
  writeEndpoint(words, 0, endpoint);
  return words;
}
