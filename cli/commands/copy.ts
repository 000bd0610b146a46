import { Option } from '@commander-js/extra-typings';
import { MAX_FILES_PER_SECOND, MIN_FILES_PER_SECOND } from '../../contract/limits.ts';
import { ON_LOCKED_MODES, OVERWRITE_MODES } from '../../contract/messages.ts';
import { copyRequestBody } from '../copy/copy-request.ts';
import { startJob } from '../copy/start-job.ts';
import { connectApi } from '../http/connect.ts';
import { Output } from '../output.ts';
import type { CommandSet } from './command-set.ts';
import * as common from './options.ts';

/** `apollo copy`: starts a job, and waits for its end where that is asked for. */
export function addCopy({ program, context, exitWith }: CommandSet): void {
  program
    .command('copy')
    .summary('copy files from a collection to another one')
    .description(
      'Starts a copy job: of files named one by one or in a list, of all that have a prefix, or of those a manifest names. ' +
        'Put "--" before names that start with "-".',
    )
    .argument('[source]', 'id of the collection to copy from')
    .argument('[destination]', 'id of the collection to copy to')
    .argument('[files...]', 'names of files')
    .option('--from <list>', 'take the names from a file, one a line; "-" is standard input')
    .option('--ndjson', 'the list has an entry a line as JSON (fileName, destinationFileName, …); usual for .ndjson')
    .option('--as <name>', 'the name of the copy, where one file is copied')
    .option('--prefix <prefix>', 'everything whose name starts so')
    .option('--all', 'everything in the collection')
    .option('--manifest <collection/file>', 'a list kept as a file in a collection (.ndjson or .csv, plain or .gz)')
    .addOption(
      new Option('--overwrite <when>', 'what happens to files that are there already (default: always)').choices(
        OVERWRITE_MODES,
      ),
    )
    .addOption(
      new Option(
        '--on-locked <what>',
        'what to do where others hold a file, or write one that is read (default: reject)',
      ).choices(ON_LOCKED_MODES),
    )
    .option(
      '--max-files-per-second <n>',
      'bound for the whole job',
      common.numberFrom(MIN_FILES_PER_SECOND, MAX_FILES_PER_SECOND),
    )
    .option('--priority <n>', '1 goes first, 5 last (default: 3)', common.wholeNumberFrom(1, 5))
    .option(
      '--dry-run',
      'tell what would happen; copy nothing, take no locks and look at none (exit code 1 with --wait: a file would fail)',
    )
    .option(
      '--id <uuid>',
      'correlation id; with the same one, the same request starts nothing twice',
      common.correlationId,
    )
    .option('--wait', 'show the job until it has ended, and end with the exit code of its state')
    .addOption(common.timeoutOption)
    .addOption(common.apiOption)
    .addOption(common.tokenOption)
    .addOption(common.tokenCommandOption)
    .addOption(common.jsonOption)
    .addHelpText(
      'after',
      common.examples(
        'apollo copy originals copies report.pdf "summer 2026/été.jpg" --wait',
        'apollo copy originals copies --prefix 2026/ --overwrite ifDifferent --wait',
        'apollo copy originals copies -- -odd-name.txt',
        'find . -type f -printf "%P\\n" | apollo copy originals copies --from - --dry-run',
        'apollo copy --manifest lists/2026-03.csv.gz --priority 5',
      ),
    )
    .action(async (source, destination, files, options) => {
      const { overwrite, onLocked, maxFilesPerSecond, priority, dryRun } = options;
      const output = new Output(context, options);
      const selection = { ...options, source, destination, files };
      const body = await copyRequestBody(
        selection,
        { overwrite, onLocked, maxFilesPerSecond, priority, dryRun },
        context,
      );
      const api = connectApi(options, context);
      exitWith(await startJob({ ...options, api, context, output, path: '/apollo/files/copy', body }));
    });
}
