import type { Scenario } from '../scenario.ts';
import { callers } from './callers.ts';
import { cancelList } from './cancel.ts';
import { folderCopy, shortCopy, slowCopy, slowFolderCopy, slowShortCopy, twoWorkers, wideCopy } from './copies.ts';
import { faults } from './faults.ts';
import { large } from './large.ts';
import { listeners } from './listeners.ts';
import { postLatency } from './post-latency.ts';

/** Everything that is measured, in this order. */
export const SCENARIOS: readonly Scenario[] = [
  postLatency,
  callers,
  cancelList,
  listeners,
  slowShortCopy,
  slowFolderCopy,
  shortCopy,
  folderCopy,
  slowCopy,
  wideCopy,
  twoWorkers,
  faults,
  large,
];
