/** How fast a job goes: both by the second. */
export interface Rate {
  files: number;
  bytes: number;
}

interface Sample extends Rate {
  at: number;
}

/** Rates are those of the last so many milliseconds: short enough to follow a job, long enough not to jump. */
const WINDOW_MS = 15_000;

/** Two looks closer together than this tell nothing of a rate. */
const SHORTEST_MS = 500;

/** Measures a rate from how far a job was at each look. */
export class RateMeter {
  #samples: Sample[] = [];

  /** Notes how far it is at a time, in milliseconds, and gives the rate since the window began, once there is one. */
  note(at: number, { files, bytes }: Rate): Rate | undefined {
    this.#samples.push({ at, files, bytes });
    // One sample from before the window stays: the window begins there.
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) >= WINDOW_MS) this.#samples.shift();
    const [first] = this.#samples;
    if (first === undefined || at - first.at < SHORTEST_MS) return undefined;
    const seconds = (at - first.at) / 1_000;
    return { files: (files - first.files) / seconds, bytes: (bytes - first.bytes) / seconds };
  }

  /** Begins anew, as where a job goes on after a pause. */
  reset(): void {
    this.#samples = [];
  }
}
