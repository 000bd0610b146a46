import type { Client, Connection } from '@temporalio/client';
import { findNamespace, MissingAttributesError, searchAttributes } from '../config/namespace.ts';
import { findControlBucket } from '../storage/control-bucket.ts';
import type { ObjectStore } from '../storage/objects.ts';
import { DEADLINES, within } from './jobs/deadlines.ts';

/**
 * Whether what the API rests on answers. Each settles where it does, and throws where it does not: ConfigError where it
 * answers that what a setting names does not exist.
 */
export interface Readiness {
  /**
   * Throws MissingAttributesError where no job can be started for want of search attributes. `withinMs`: how long Temporal
   * has to answer; default: as deadlines.ts has it.
   */
  temporal: (withinMs?: number) => Promise<void>;
  storage: () => Promise<void>;
}

export function createReadiness(deps: {
  client: Client;
  connection: Connection;
  namespace: string;
  objects: ObjectStore;
  controlBucket: string;
}): Readiness {
  const { client, connection, namespace, objects, controlBucket } = deps;
  const attributes = searchAttributes(connection, namespace);

  async function findAttributes(withinMs: number): Promise<void> {
    try {
      await within(client, withinMs, () => attributes.find());
    } catch (error) {
      // Jobs are started without Temporal's visibility store, which is the one asked here.
      if (error instanceof MissingAttributesError) throw error;
    }
  }

  return {
    async temporal(withinMs = DEADLINES.readiness) {
      const find = () => findNamespace(connection, namespace);
      await Promise.all([within(client, withinMs, find), findAttributes(withinMs)]);
    },
    storage: () => findControlBucket(objects, controlBucket),
  };
}
