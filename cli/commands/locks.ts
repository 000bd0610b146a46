import { hostname, userInfo } from 'node:os';
import type { Command } from '@commander-js/extra-typings';
import type { ListedLock } from '../../storage/locks.ts';
import { CliError, usageError } from '../cli-error.ts';
import { breakLock } from '../control-bucket/break-lock.ts';
import { isBucketMissing } from '../control-bucket/check-collection.ts';
import { connectStorage } from '../control-bucket/connect.ts';
import { lockTarget, targetText } from '../control-bucket/lock-target.ts';
import { lockText, lockView, ownerText } from '../control-bucket/lock-view.ts';
import { setLock } from '../control-bucket/set-lock.ts';
import { EXIT } from '../exit-codes.ts';
import { Output } from '../output.ts';
import { timeText } from '../text.ts';
import type { CommandSet } from './command-set.ts';
import * as common from './options.ts';

/** Bytes that storage keeps of an object's metadata are few (8 KiB); who and why share them with a file's name. */
const MAX_TEXT_LENGTH = 500;

const TARGET_HELP = 'gs://BUCKET/NAME or COLLECTION/FILE';
const PREFIX_HELP = 'everything whose name starts so, not one file';

/** `apollo locks`: the locks in the control bucket. */
export function addLocks(commands: CommandSet): void {
  const locks = commands.program
    .command('locks')
    .summary('list, set and break locks')
    .description('Lists, sets and breaks locks on destination files, straight in the control bucket (CONTROL_BUCKET).');
  addList(locks, commands);
  addSet(locks, commands);
  addBreak(locks, commands);
}

function addList(parent: Command, { context }: CommandSet): void {
  parent
    .command('list')
    .description('Lists all locks and whose they are.')
    .option('--bucket <bucket>', 'only those on files of this bucket')
    .addOption(common.jsonOption)
    .addHelpText('after', common.examples('apollo locks list --bucket example-copy'))
    .action(async ({ bucket, ...options }) => {
      const { locks } = connectStorage(context);
      const output = new Output(context, options);
      async function* views() {
        for await (const { lock } of locks.list({ bucket })) yield lockView(lock);
      }
      if (output.isJson) {
        for await (const view of views()) output.show(view, null);
        return;
      }
      await output.showAll<ListedLock>(locks.list({ bucket }), {
        header: ['since (UTC)', 'owner', 'on'],
        row: ({ lock }) => [timeText(lock.createdAt), ownerText(lock.owner), targetText(lock)],
        none: 'No locks',
      });
    });
}

function addSet(parent: Command, { context }: CommandSet): void {
  parent
    .command('set')
    .description('Locks a file, or all under a prefix, by hand: jobs that would write or read it are refused (423).')
    .argument('<target>', TARGET_HELP)
    .requiredOption('--why <text>', 'the reason, for those who find it locked')
    .option('--who <name>', 'whose lock it is (default: user@host)')
    .option('--prefix', PREFIX_HELP)
    .addOption(common.jsonOption)
    .addHelpText(
      'after',
      common.examples(
        'apollo locks set copies/report.pdf --why "published until March"',
        'apollo locks set gs://example-copy/copies/2026/ --prefix --why "audit, ask Ann"',
      ),
    )
    .action(async (text, { why, who = `${userInfo().username}@${hostname()}`, prefix = false, ...options }) => {
      for (const [name, value] of Object.entries({ why, who })) {
        if (value.trim() !== '' && value.length <= MAX_TEXT_LENGTH) continue;
        throw usageError(`--${name} must be from 1 to ${MAX_TEXT_LENGTH} characters`);
      }
      const { collections, locks, objects } = connectStorage(context);
      const target = await lockTarget(text, { isPrefix: prefix, collections });
      if (await isBucketMissing(objects, target.bucket)) {
        throw new CliError(EXIT.refused, `not locked: the bucket ${target.bucket} does not exist`);
      }
      const lock = await setLock(locks, target, { kind: 'manual', who, why });
      new Output(context, options).show(lockView(lock), `Locked: ${lockText(lock)}`);
    });
}

function addBreak(parent: Command, { context }: CommandSet): void {
  parent
    .command('break')
    .description(
      'Removes a lock, whoever holds it, after asking. The lock of a job that still runs stays, unless --force is given: ' +
        'its file then ends LOCK_LOST.',
    )
    .argument('<target>', TARGET_HELP)
    .option('--prefix', PREFIX_HELP)
    .option('-y, --yes', 'do not ask')
    .option('--force', 'even where its job runs, or nobody can tell')
    .addOption(common.jsonOption)
    .addHelpText('after', common.examples('apollo locks break copies/report.pdf --yes'))
    .action(async (text, { prefix = false, yes = false, force = false, ...options }) => {
      const { collections, locks, records } = connectStorage(context);
      const target = await lockTarget(text, { isPrefix: prefix, collections });
      const lock = await breakLock({ locks, records }, target, { context, yes, force });
      new Output(context, options).show(lockView(lock), `Broken: ${lockText(lock)}`);
    });
}
