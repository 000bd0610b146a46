/**
 * The request rate guideline of Cloud Storage (cloud.google.com/storage/docs/request-rate#ramp-up): a bucket takes
 * about 1,000 writes a second at first, and no faster than double every 20 minutes.
 */
const FIRST_PER_SECOND = 1_000;
const DOUBLING_S = 20 * 60;

/** What the guideline allows one bucket: it grows while it is made use of, and goes back where it is not. */
export class GuidelineRamp {
  #perSecond = FIRST_PER_SECOND;

  /** Writes a second that are allowed now. */
  get perSecond(): number {
    return this.#perSecond;
  }

  /** Takes in that so many seconds have passed, and how many writes were sent in them. */
  passed(seconds: number, writes: number): void {
    // Half of what is allowed counts as use: storage has then adapted to that much, and the double of it comes next.
    const isUsed = writes >= (this.#perSecond / 2) * seconds;
    const growth = 2 ** ((isUsed ? seconds : -seconds) / DOUBLING_S);
    this.#perSecond = Math.max(FIRST_PER_SECOND, this.#perSecond * growth);
  }
}
