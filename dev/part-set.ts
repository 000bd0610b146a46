import { createPart, type Part, type PartDefinition, type PartError } from './part.ts';
import { createProcesses } from './processes.ts';

/** Services depend on the backing parts, and so end before them. */
type Role = 'service' | 'backing';

export interface PartSet {
  /** Adds a part that is not running yet. */
  add(role: Role, definition: PartDefinition): Part;
  /** Starts parts side by side; where one fails, the others are given up at once and its error is thrown. */
  start(parts: readonly Part[]): Promise<void>;
  /** Adds something to be done after all parts have ended. */
  finally(cleanUp: () => Promise<void>): void;
  /** Ends all parts in order, then cleans up. May be called again, also while it is under way. */
  stop(): Promise<void>;
}

/** The parts of one stack, ended together. */
export function createPartSet(options: { signal?: AbortSignal; onDeath?: (error: PartError) => void }): PartSet {
  const processes = createProcesses();
  const givenUp = new AbortController();
  const signal = options.signal === undefined ? givenUp.signal : AbortSignal.any([options.signal, givenUp.signal]);
  const parts: Record<Role, Part[]> = { service: [], backing: [] };
  const cleanUps: (() => Promise<void>)[] = [];
  let stopped: Promise<void> | undefined;

  async function stopAll(): Promise<void> {
    await Promise.all(parts.service.map((part) => part.stop()));
    await Promise.all(parts.backing.map((part) => part.stop()));
    processes.close();
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  }

  return {
    add(role, definition) {
      const part = createPart(definition, { processes, signal, onDeath: (error) => options.onDeath?.(error) });
      parts[role].push(part);
      return part;
    },
    async start(starting) {
      const starts = starting.map((part) => part.start());
      try {
        await Promise.all(starts);
      } catch (error) {
        givenUp.abort(error);
        await Promise.allSettled(starts);
        throw error;
      }
    },
    finally(cleanUp) {
      cleanUps.push(cleanUp);
    },
    stop() {
      stopped ??= stopAll();
      return stopped;
    },
  };
}
