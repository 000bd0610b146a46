/** One job, told the same way throughout the API's documentation. */
export const EXAMPLE_ID = 'c7164076-9224-401c-a6bd-21908563abf8';

export const EXAMPLE_JOB = {
  correlationId: EXAMPLE_ID,
  state: 'Completed' as const,
  counts: { requested: 2, completed: 2, skipped: 0, failed: 0, cancelled: 0, pending: 0, bytes: 48213 },
  startedAt: '2026-03-02T09:15:00.120+00:00',
  endedAt: '2026-03-02T09:15:00.480+00:00',
  message: '',
};

/** The same job on its way. */
export const EXAMPLE_RUNNING_JOB = {
  ...EXAMPLE_JOB,
  state: 'Processing' as const,
  counts: { ...EXAMPLE_JOB.counts, completed: 1, pending: 1, bytes: 48100 },
  endedAt: null,
};

export const EXAMPLE_RECORD = {
  id: `${EXAMPLE_ID}-0000000`,
  correlationId: EXAMPLE_ID,
  transactionId: EXAMPLE_ID,
  messageType: 'Request' as const,
  requestAction: 'Copy' as const,
  requestObject: 'File' as const,
  state: 'Completed' as const,
  retryCount: 0,
  message: '',
  enqueuedTimestamp: '2026-03-02T09:15:00.020+00:00',
  receivedTimestamp: '2026-03-02T09:15:00.160+00:00',
  unixEnqueuedTimestamp: 1772442900020,
  unixReceievedTimestamp: 1772442900160,
  sender: 'service-account-7',
  recipient: 'example-collection-copy',
  timeout: 0,
  topic: 'apollo-copy',
  payload: {
    sourceCollectionId: 'example-collection-original',
    destinationCollectionId: 'example-collection-copy',
    fileName: 'example_image.jpg',
    destinationFileName: 'example_image.jpg',
    size: 48100,
    crc32c: 'yZRlqg==',
    generation: '1772442900301001',
  },
  serviceData: {
    erCollectionId: 'example-collection-copy',
    entityId: 'bucket-b/copies/example_image.jpg/1772442900301001',
    relationshipId: 'bucket-a/originals/example_image.jpg/1772000000000001',
  },
  stateHistory: [
    { timestamp: '2026-03-02T09:15:00.120+00:00', unixTimestamp: 1772442900120, state: 'Requested' as const },
    { timestamp: '2026-03-02T09:15:00.160+00:00', unixTimestamp: 1772442900160, state: 'Processing' as const },
    { timestamp: '2026-03-02T09:15:00.310+00:00', unixTimestamp: 1772442900310, state: 'Completed' as const },
  ],
};

export const EXAMPLE_DETAIL = {
  FileName: 'example_image.jpg',
  SourceCollectionId: 'example-collection-original',
  DestinationCollectionId: 'example-collection-copy',
  SourceEntityId: 'bucket-a/originals/example_image.jpg/1772000000000001',
  DestinationEntityId: 'bucket-b/copies/example_image.jpg/1772442900301001',
  Status: 1 as const,
};

export const EXAMPLE_NDJSON =
  '{"sourceCollectionId":"example-collection-original","destinationCollectionId":"example-collection-copy",' +
  '"fileName":"example_image.jpg","destinationFileName":"example_image.jpg","size":48100,"crc32c":"yZRlqg==",' +
  '"generation":"1772442900301001","state":"Completed","retryCount":0,"message":""}\n';

export const EXAMPLE_CSV =
  'sourceCollectionId,destinationCollectionId,fileName,destinationFileName,size,crc32c,generation,state,retryCount,' +
  'message\r\nexample-collection-original,example-collection-copy,example_image.jpg,example_image.jpg,48100,yZRlqg==,' +
  '1772442900301001,Completed,0,\r\n';

export const EXAMPLE_EVENTS =
  `retry: 2000\n\nevent: progress\nid: Vb0uVpTSmHkq3dZa\ndata: ${JSON.stringify(EXAMPLE_RUNNING_JOB)}\n\n` +
  `: the job is being watched\n\nevent: end\nid: wGk2xE0yq7fJb1Tn.end\ndata: ${JSON.stringify(EXAMPLE_JOB)}\n\n`;
