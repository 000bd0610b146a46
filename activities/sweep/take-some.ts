/** The first `count` of a listing, and whether that is all of it. */
export async function takeSome<T>(listing: AsyncIterable<T>, count: number): Promise<{ items: T[]; isLast: boolean }> {
  const items: T[] = [];
  for await (const item of listing) {
    if (items.length === count) return { items, isLast: false };
    items.push(item);
  }
  return { items, isLast: true };
}
