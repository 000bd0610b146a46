/** The texts of `status.message`. Those marked (documented) are facts of the published API, to the letter. */
export const TEXTS = {
  /** (documented) */
  copyAccepted: 'Files copying completed',
  copyRequested: 'Files copying requested',
  /** (documented) Said for a missing scope and for a collection alike, so that neither can be told from the other. */
  forbidden: 'The request is understood, but it has been refused or access is not allowed',
  /** (documented) */
  locked: 'File already Locked',
  /** (documented, with two spaces) */
  correlationIdMissing: 'You must specify a  co-relation Id',
  /** (documented) */
  noRecords: 'No records found',
  /** (documented) */
  track: 'Track copied files',
  logs: 'Status logs',
  jobs: 'Copy jobs',
  collections: 'Collections',
  unauthorized: 'A valid access token is required',
  unsupportedMediaType: 'The request body must be application/json in UTF-8, without a content encoding',
  tooLarge: 'The request body must be at most 64 MiB',
  tooMany: 'Too many requests of this caller are under way, please try again',
  tooSlow: 'The request did not arrive in time',
  invalid: 'The request is not valid',
  correlationIdInUse: 'The correlation id is in use by another caller or for another request',
  jobAbandoned: 'The job of this correlation id was ended by force before it was decided, please use a new id',
  jobEnded: 'The job has ended',
  jobOverSignalled: 'The job was paused and resumed too often: it can only be cancelled',
  jobUnsettled: 'The job has not ended, or what became of its files is still being found out',
  nothingToRetry: 'There is nothing to retry: no file was cancelled, or failed for a reason that may go away',
  unavailable: 'The service is not available at the moment, please try again',
  noRoute: 'There is no such route',
  methodNotAllowed: 'The route does not support this method',
  internal: 'The request failed for a reason inside the service',
} as const;
