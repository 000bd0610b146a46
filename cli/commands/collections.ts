import type { Command } from '@commander-js/extra-typings';
import { PERMISSION_LEVELS, type CollectionDocument } from '../../storage/collections.ts';
import { CliError, usageError } from '../cli-error.ts';
import {
  checkCollection,
  checkNewCollection,
  documentProblem,
  readCollection,
  type CheckedCollection,
} from '../control-bucket/check-collection.ts';
import { connectStorage } from '../control-bucket/connect.ts';
import { EXIT } from '../exit-codes.ts';
import { Output, remark } from '../output.ts';
import { printable } from '../text.ts';
import type { CommandSet } from './command-set.ts';
import * as common from './options.ts';

/** `apollo collections`: the documents in the control bucket. */
export function addCollections(commands: CommandSet): void {
  const collections = commands.program
    .command('collections')
    .summary('list, add and check collections')
    .description('Lists, adds and checks collections, straight in the control bucket (CONTROL_BUCKET).');
  addList(collections, commands);
  addAdd(collections, commands);
  addCheck(collections, commands);
}

function addList(parent: Command, { context }: CommandSet): void {
  parent
    .command('list')
    .description('Lists all collections, with who may use them.')
    .addOption(common.jsonOption)
    .addHelpText('after', common.examples('apollo collections list'))
    .action(async (options) => {
      const { collections } = connectStorage(context);
      async function* all() {
        for await (const id of collections.ids()) yield await readCollection(collections, id);
      }
      await new Output(context, options).showAll<CheckedCollection>(all(), {
        header: ['collection', 'where', 'access'],
        row: ({ collectionId, collection, problems }) => [
          printable(collectionId),
          collection === null ? '' : printable(place(collection)),
          collection === null ? `cannot be used: ${problems.map(printable).join('; ')}` : printable(access(collection)),
        ],
        none: 'No collections',
      });
    });
}

function addAdd(parent: Command, { context }: CommandSet): void {
  parent
    .command('add')
    .description(
      'Adds a collection, whose bucket has to exist. Reading takes any level of access, writing readwrite or higher.',
    )
    .argument('<id>', 'id of the collection')
    .requiredOption('--bucket <bucket>', 'where its files are')
    .option('--prefix <prefix>', 'what the names of its files start with there', '')
    .option('--name <name>', 'a name for people (default: the id)')
    .option('--readonly <principal...>', 'who may read: a sub or client_id of tokens, or "*" for every valid token')
    .option('--readwrite <principal...>', 'who may write')
    .option('--admin <principal...>', 'who may write')
    .option('--owner <principal...>', 'who may write')
    .option('--replace', 'replace the one that is there')
    .addOption(common.jsonOption)
    .addHelpText(
      'after',
      common.examples(
        'apollo collections add copies --bucket example-copy --prefix copies/ --readwrite client-7 --readonly "*"',
      ),
    )
    .action(async (collectionId, { bucket, prefix, name, replace, ...options }) => {
      const { collections, objects, controlBucket } = connectStorage(context);
      const acl = Object.fromEntries(
        PERMISSION_LEVELS.map((level) => [level, options[level] ?? []]),
      ) as CollectionDocument['acl'];
      const collection = { collectionId, collectionName: name ?? collectionId, bucket, prefix, acl };
      const problem = documentProblem(collection, controlBucket);
      if (problem !== undefined) throw usageError(problem);
      const { isMissing, problems } = await checkNewCollection(objects, collection);
      if (isMissing) throw new CliError(EXIT.refused, `not added: the bucket ${printable(bucket)} does not exist`);
      if (!(await collections.save(collection, { replace: replace === true }))) {
        throw new CliError(EXIT.refused, `there is a collection ${printable(collectionId)} already (--replace)`);
      }
      const words = `Collection ${printable(collectionId)} ${replace === true ? 'written' : 'added'}: ${printable(place(collection))}`;
      new Output(context, options).show(collection, words);
      // Written all the same: whoever adds it may be allowed less than the workers, and access may come later.
      for (const problem of problems) remark(context, printable(problem));
    });
}

function addCheck(parent: Command, { context, exitWith }: CommandSet): void {
  parent
    .command('check')
    .description('Checks documents and buckets, of all collections or of some. Exit code 1 where something is wrong.')
    .argument('[ids...]', 'ids of collections')
    .addOption(common.jsonOption)
    .addHelpText('after', common.examples('apollo collections check', 'apollo collections check originals copies'))
    .action(async (ids, options) => {
      const storage = connectStorage(context);
      const output = new Output(context, options);
      let wrong = 0;
      for await (const id of ids.length > 0 ? ids : storage.collections.ids()) {
        const checked = await checkCollection(storage, id);
        if (checked.problems.length > 0) wrong += 1;
        const text = checked.problems.length === 0 ? 'good' : checked.problems.map(printable).join('; ');
        output.show(checked, `${printable(id)}: ${text}`);
      }
      if (wrong > 0) exitWith(EXIT.completedWithErrors);
    });
}

function place({ bucket, prefix }: CollectionDocument): string {
  return `gs://${bucket}/${prefix}`;
}

function access({ acl }: CollectionDocument): string {
  const levels = PERMISSION_LEVELS.toReversed().filter((level) => acl[level].length > 0);
  return levels.map((level) => `${level}: ${acl[level].join(', ')}`).join('; ') || 'nobody';
}
