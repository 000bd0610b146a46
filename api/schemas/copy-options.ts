import { z } from '@hono/zod-openapi';
import { MAX_FILES_PER_SECOND, MIN_FILES_PER_SECOND } from '../../contract/limits.ts';
import { ON_LOCKED_MODES, OVERWRITE_MODES, type CopyOptions } from '../../contract/messages.ts';

/** What a request that says nothing asks for. There is no bound on the rate where none is asked for. */
export const DEFAULT_OPTIONS: Readonly<Required<Omit<CopyOptions, 'maxFilesPerSecond'>>> = {
  overwrite: 'always',
  onLocked: 'reject',
  priority: 3,
  dryRun: false,
};

const PRIORITY_RULE = 'must be a whole number from 1 to 5';
const RATE_RULE = `must be a number from ${MIN_FILES_PER_SECOND} to ${MAX_FILES_PER_SECOND}`;

/** What a caller may choose with any request. */
export const copyOptions = z
  .strictObject(
    {
      overwrite: z
        .enum(OVERWRITE_MODES, { error: `must be one of ${OVERWRITE_MODES.join(', ')}` })
        .default(DEFAULT_OPTIONS.overwrite)
        .openapi({ description: 'What happens to a file that is already there.' }),
      onLocked: z
        .enum(ON_LOCKED_MODES, { error: `must be one of ${ON_LOCKED_MODES.join(', ')}` })
        .default(DEFAULT_OPTIONS.onLocked)
        .openapi({
          description:
            'What happens where another job, or somebody by hand, holds a file locked: the request is refused (423), it ' +
            'waits for up to an hour, or it does without the file: what others hold when the job is admitted, as the ' +
            'destination or by writing the source, ends `Skipped` with `FILE_LOCKED`. Everything under a prefix, a ' +
            'manifest and a list of more than 1,000 files are locked as a whole, by prefixes; such a job goes on to ' +
            'hold all of these, what it does without included.',
        }),
      priority: z
        .int({ error: PRIORITY_RULE })
        .min(1, { error: PRIORITY_RULE })
        .max(5, { error: PRIORITY_RULE })
        .default(DEFAULT_OPTIONS.priority)
        .openapi({ description: '1 goes first, 5 last.' }),
      dryRun: z.boolean({ error: 'must be true or false' }).default(DEFAULT_OPTIONS.dryRun).openapi({
        description: 'Checks access and names, takes no lock, copies nothing; tells what would happen, but for locks.',
      }),
      maxFilesPerSecond: z
        .number({ error: RATE_RULE })
        .min(MIN_FILES_PER_SECOND, { error: RATE_RULE })
        .max(MAX_FILES_PER_SECOND, { error: RATE_RULE })
        .optional()
        .openapi({
          description:
            'How many files a second the whole job may copy, over all workers. Default: as fast as storage takes them.',
        }),
    },
    { error: 'must be an object' },
  )
  .openapi('CopyOptions');
