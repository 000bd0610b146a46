import type { ConnectionLike } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contract/ids.ts';
import { ConfigError } from './config.ts';
import { GRPC_STATUS, grpcStatusOf } from './grpc-status.ts';

/** The namespace lacks search attributes: Temporal refuses to start jobs, and to list them. */
export class MissingAttributesError extends Error {
  override readonly name = 'MissingAttributesError';

  constructor(namespace: string, missing: readonly string[]) {
    const each = missing.map((name) => `--name ${name} --type Keyword`);
    const command = ['temporal operator search-attribute create', `--namespace ${namespace}`, ...each].join(' ');
    super(`the Temporal namespace ${namespace} lacks search attributes (${missing.join(', ')}): ${command}`);
  }
}

/**
 * Asks Temporal for the namespace. Throws ConfigError where it answers that there is none, and what its client throws
 * where that cannot be told.
 */
export async function findNamespace({ workflowService }: ConnectionLike, namespace: string): Promise<void> {
  try {
    await workflowService.describeNamespace({ namespace });
  } catch (error) {
    if (grpcStatusOf(error) !== GRPC_STATUS.NOT_FOUND) throw error;
    throw new ConfigError(`TEMPORAL_NAMESPACE names a namespace that does not exist: ${namespace}`);
  }
}

/** What asks for the search attributes of the service. */
export interface AttributeSearch {
  /**
   * Asks Temporal, until they were found once. Throws MissingAttributesError, and what its client throws where that
   * cannot be told.
   */
  find: () => Promise<void>;
}

/**
 * Looks for the search attributes by counting what has them, which is allowed wherever jobs can be listed: the operator
 * service, which lists them, is closed on Temporal Cloud.
 */
export function searchAttributes({ workflowService }: ConnectionLike, namespace: string): AttributeSearch {
  let areFound = false;

  async function isMissing(name: string): Promise<boolean> {
    try {
      // No job has such a value, so that nothing is read to count it.
      await workflowService.countWorkflowExecutions({ namespace, query: `${name} = 'none'` });
      return false;
    } catch (error) {
      if (grpcStatusOf(error) === GRPC_STATUS.INVALID_ARGUMENT) return true;
      throw error;
    }
  }

  return {
    async find() {
      if (areFound) return;
      const names = Object.keys(SEARCH_ATTRIBUTES);
      const verdicts = await Promise.all(names.map(isMissing));
      const missing = names.filter((_, index) => verdicts[index]);
      if (missing.length > 0) throw new MissingAttributesError(namespace, missing);
      areFound = true;
    },
  };
}
