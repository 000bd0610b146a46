/** CRC-32C (Castagnoli), reflected polynomial, a byte at a time. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

/** The checksum of some bytes, as an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array): number {
  let value = 0xffffffff;
  // By index: an iterator over a Buffer takes seven times as long.
  for (let index = 0; index < bytes.length; index++) {
    value = (TABLE[(value ^ (bytes[index] as number)) & 0xff] as number) ^ (value >>> 8);
  }
  return (value ^ 0xffffffff) >>> 0;
}

const scratch = Buffer.alloc(4);
let latest = { checksum: -1, text: '' };

/** As Cloud Storage writes it: base64 of the big-endian number. Objects made by the thousand share one checksum. */
export function checksumText(checksum: number): string {
  if (latest.checksum !== checksum) {
    scratch.writeUInt32BE(checksum);
    latest = { checksum, text: scratch.toString('base64') };
  }
  return latest.text;
}
