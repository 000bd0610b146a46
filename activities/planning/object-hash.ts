/** 64 bits, as two unsigned numbers of 32. */
export interface Hash64 {
  high: number;
  low: number;
}

/**
 * A hash of an object's bucket and name, good enough that among two million different objects two agree once in ten
 * million times. Not a cryptographic one, which takes twice as long: whoever makes names that agree spoils a request of
 * their own.
 */
export function hashObject({ bucket, name }: { bucket: string; name: string }): Hash64 {
  // Neither holds a line feed.
  const text = `${bucket}\n${name}`;
  let high = 0x3c6ef372;
  let low = 0x510e527f;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    high = Math.imul(high ^ unit, 0x85ebca6b);
    high = (high << 15) | (high >>> 17);
    low = Math.imul(low ^ unit, 0xc2b2ae35);
    low = (low << 13) | (low >>> 19);
  }
  const mixed = scatter(high ^ text.length);
  return { high: mixed >>> 0, low: scatter(low ^ mixed) >>> 0 };
}

/** Has every bit of the input count for every bit of the output. */
function scatter(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
  return bits ^ (bits >>> 16);
}
