import { buildWorkflowBundle } from './workflow-bundle.ts';

/** `npm run build:workflows`: bundles the workflows ahead, so that workers start without doing it. */

const length = await buildWorkflowBundle();
process.stdout.write(`.bundle/workflows.js: ${Math.round(length / 1_024)} KiB\n`);
