import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** The caller whose job it is. */
export const COPY_REQUESTOR = defineSearchAttributeKey('CopyRequestor', SearchAttributeType.KEYWORD);

/** The job's state. */
export const COPY_STATE = defineSearchAttributeKey('CopyState', SearchAttributeType.KEYWORD);
