import type { LocatedFile } from '../../contract/locate.ts';
import type { StorageModule } from '../../storage/index.ts';
import { isPrefixRef, targetKey, type LockTarget, type PrefixRef } from '../../storage/lock-targets.ts';
import { failure } from '../failures.ts';

/** What others held when a job was admitted that does without it. */
export class LockedPlaces {
  readonly #objects = new Set<string>();
  readonly #prefixes: PrefixRef[] = [];

  constructor(places: readonly LockTarget[]) {
    for (const place of places) {
      if (isPrefixRef(place)) this.#prefixes.push(place);
      else this.#objects.add(targetKey(place));
    }
  }

  /** Whether a file is not to be copied: others write one of its sides, or may. */
  hold({ source, destination }: LocatedFile): boolean {
    return this.cover(source) || this.cover(destination);
  }

  /** Whether all of a target is among these places. */
  cover(target: LockTarget): boolean {
    if (this.#objects.has(targetKey(target))) return true;
    const start = isPrefixRef(target) ? target.prefix : target.name;
    return this.#prefixes.some(({ bucket, prefix }) => bucket === target.bucket && start.startsWith(prefix));
  }
}

/** The places that a job does without; undefined: none. Throws StorageError, and a failure where they are gone. */
export async function readLockedPlaces(
  { lockedPlaces }: StorageModule,
  correlationId: string,
  name: string | undefined,
): Promise<LockedPlaces | undefined> {
  if (name === undefined) return undefined;
  const places = await lockedPlaces.read(correlationId, name);
  if (places === undefined) throw failure('INTERNAL_ERROR', 'what others held when the job was admitted is gone');
  return new LockedPlaces(places);
}
