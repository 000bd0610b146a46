import { condition, defineUpdate, setHandler } from '@temporalio/workflow';

/** The least a durable answer costs: a workflow that is started with an update, answers it and ends. */
export async function bare(): Promise<void> {
  let answered = false;
  setHandler(defineUpdate<string>('answer'), () => {
    answered = true;
    return 'answered';
  });
  await condition(() => answered);
}
