import type { Context } from '@temporalio/activity';
import { countFile, emptyCounts } from '../../../contract/states.ts';
import type { ResultsPart } from '../../../storage/job-chunks.ts';
import type { ChunkFile } from './chunk-file.ts';
import type { CopyChunkTask } from './chunk-task.ts';

/** A rewrite under way that takes several calls: it may be continued for a week, by the same request only. */
interface RewriteUnderWay {
  index: number;
  rewriteToken: string;
  sourceGeneration: string;
  pin: string;
}

/** What heartbeats carry of a chunk: how far it is, for whoever asks, and rewrites that another attempt may go on with. */
interface Details extends ResultsPart {
  files: number;
  rewrites: RewriteUnderWay[];
}

/** Tokens have some 500 bytes and go out four times a second: more rewrites than these are begun anew. */
const MAX_REWRITES = 16;

/** How far a chunk is. Heartbeats write it out as it stands when they are sent. */
export class ChunkProgress {
  readonly #task: CopyChunkTask;
  readonly #files: readonly ChunkFile[];
  readonly #earlier = new Map<number, RewriteUnderWay>();
  readonly #underWay = new Map<number, RewriteUnderWay>();

  constructor(context: Context, task: CopyChunkTask, files: readonly ChunkFile[]) {
    this.#task = task;
    this.#files = files;
    const details = context.info.heartbeatDetails as Details | undefined;
    for (const rewrite of details?.rewrites ?? []) {
      this.#earlier.set(rewrite.index, rewrite);
      this.#underWay.set(rewrite.index, rewrite);
    }
  }

  /** The token with which a rewrite of an earlier attempt goes on. */
  earlierToken(index: number, sourceGeneration: string, pin: string): string | undefined {
    const rewrite = this.#earlier.get(index);
    return rewrite?.sourceGeneration === sourceGeneration && rewrite.pin === pin ? rewrite.rewriteToken : undefined;
  }

  /** Whether a token is that of an earlier attempt, which storage may not know any more. */
  isEarlier(index: number, rewriteToken: string | undefined): boolean {
    return rewriteToken !== undefined && this.#earlier.get(index)?.rewriteToken === rewriteToken;
  }

  /** A rewrite has come so far. */
  note(rewrite: RewriteUnderWay): void {
    if (this.#underWay.has(rewrite.index) || this.#underWay.size < MAX_REWRITES) {
      this.#underWay.set(rewrite.index, rewrite);
    }
  }

  /** Nothing is to go on with for this file any more. */
  forget(index: number): void {
    if (this.#underWay.size === 0) return;
    this.#underWay.delete(index);
    this.#earlier.delete(index);
  }

  toJSON(): Details {
    const { chunk, part } = this.#task;
    const counts = emptyCounts(this.#files.length);
    for (const { outcome } of this.#files) {
      if (outcome !== undefined) countFile(counts, outcome.state, outcome.size ?? 0);
    }
    const { requested: files, pending, ...ended } = counts;
    return { chunk, part, files, count: files - pending, ...ended, rewrites: [...this.#underWay.values()] };
  }
}
