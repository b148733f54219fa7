/** QR codes (ISO/IEC 18004) of a text: for a terminal, as SVG, and as PNG. The library finds the modules; a PNG is written here. */
import { encodeQR } from 'qr';
import { concatBytes, encodeUtf8 } from '../../bytes.ts';

/** Most bytes that a QR code holds, at the lowest level of error correction: a screen has no dirt on it. */
export const MAX_QR_BYTES = 2953;

/** The quiet zone that the standard asks for, in modules. */
const BORDER = 4;
/** Pixels a module: small files, which viewers enlarge. */
const SCALE = 4;
const OPTIONS = { ecc: 'low', border: BORDER } as const;

/** Black on white in half blocks, whatever the terminal's own colours are. Throws RangeError for more than MAX_QR_BYTES. */
export function renderQrTerminal(text: string): string {
  const modules = modulesOf(text);
  const rows = Array.from({ length: Math.ceil(modules.length / 2) }, (_, i) => {
    const [upper = [], lower = []] = modules.slice(2 * i, 2 * i + 2);
    return upper.map((dark, x) => HALVES[`${dark}-${lower[x] ?? false}`]).join('');
  });
  return rows.map((row) => `\u001B[30;107m${row}\u001B[0m\n`).join('');
}

/** By whether the upper and the lower module are dark. */
const HALVES: Readonly<Record<`${boolean}-${boolean}`, string>> = {
  'true-true': '█',
  'true-false': '▀',
  'false-true': '▄',
  'false-false': ' ',
};

/** Throws RangeError for more than MAX_QR_BYTES. */
export function renderQrSvg(text: string): string {
  const modules = modulesOf(text);
  const { length } = modules;
  const squares = modules.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${length} ${length}" width="${length * SCALE}" height="${length * SCALE}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${length}v${length}H0z"/><path d="${squares.join('')}"/></svg>\n`;
}

/** A PNG (RFC 2083) of one bit a pixel, not compressed: a few kilobytes. Throws RangeError for more than MAX_QR_BYTES. */
export function renderQrPng(text: string): Uint8Array {
  const modules = modulesOf(text);
  const size = modules.length * SCALE;
  const header = concatBytes(uint32(size), uint32(size), Uint8Array.of(1, 0, 0, 0, 0)); // 1 bit, grey
  const rows = modules.flatMap((row) => Array<Uint8Array>(SCALE).fill(pixelRow(row)));
  return concatBytes(
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', header),
    chunk('IDAT', storedZlib(concatBytes(...rows))),
    chunk('IEND', new Uint8Array(0)),
  );
}

/** Rows of modules, true where they are dark. */
function modulesOf(text: string): boolean[][] {
  const { length } = encodeUtf8(text);
  if (length > MAX_QR_BYTES) throw new RangeError(`"text" expected at most ${MAX_QR_BYTES} bytes, got ${length}`);
  return encodeQR(text, 'raw', OPTIONS);
}

/** A filter byte, then a bit a pixel, 1 for white. */
function pixelRow(modules: readonly boolean[]): Uint8Array {
  const row = new Uint8Array(1 + Math.ceil((modules.length * SCALE) / 8));
  for (let x = 0; x < modules.length * SCALE; x++)
    if (modules[Math.floor(x / SCALE)] === false) row[1 + (x >> 3)]! |= 0x80 >> (x & 7);
  return row;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const named = concatBytes(encodeUtf8(type), data);
  return concatBytes(uint32(data.length), named, uint32(crc32(named)));
}

/** RFC 1950 with blocks of RFC 1951 section 3.2.4. */
function storedZlib(data: Uint8Array): Uint8Array {
  const blocks: Uint8Array[] = [Uint8Array.of(0x78, 0x01)];
  for (let offset = 0; offset < data.length; offset += 0xffff) {
    const block = data.subarray(offset, offset + 0xffff);
    const isLast = offset + block.length === data.length ? 1 : 0;
    const { length } = block;
    blocks.push(Uint8Array.of(isLast, length & 0xff, length >> 8, ~length & 0xff, (~length >> 8) & 0xff), block);
  }
  return concatBytes(...blocks, uint32(adler32(data)));
}

function crc32(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function adler32(data: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of data) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b * 0x10000 + a;
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}
