/** Puts things into the storage emulator and reads them back, past the service: over its JSON API, without a client library. */

/** `collections/{collectionId}.json` in the control bucket. */
export interface CollectionDocument {
  collectionId: string;
  collectionName: string;
  bucket: string;
  prefix: string;
  acl: { owner?: string[]; admin?: string[]; readwrite?: string[]; readonly?: string[] };
}

interface ObjectState {
  name: string;
  size: number;
  /** Base64, big-endian, as Cloud Storage writes it. */
  crc32c: string;
  generation: string;
  contentType: string;
}

interface PutOptions {
  contentType?: string;
  /** Leaves an object alone that is there already. */
  onlyIfMissing?: boolean;
}

export interface Emulator {
  /** Makes a bucket where it is missing. */
  makeBucket(bucket: string): Promise<void>;
  putObject(bucket: string, name: string, content: Uint8Array | string, options?: PutOptions): Promise<void>;
  /** Content of an object, or undefined where there is none. */
  getObject(bucket: string, name: string): Promise<Uint8Array | undefined>;
  /** Size, checksum and generation of an object, or undefined where there is none. */
  statObject(bucket: string, name: string): Promise<ObjectState | undefined>;
  /** Names of all objects under a prefix, in order. */
  listObjects(bucket: string, prefix?: string): Promise<string[]>;
  deleteObject(bucket: string, name: string): Promise<void>;
  /** Puts a collection's document, and makes its bucket where it is missing. */
  putCollection(collection: CollectionDocument, options?: Pick<PutOptions, 'onlyIfMissing'>): Promise<void>;
}

interface ObjectResource {
  name: string;
  size: string;
  crc32c: string;
  generation: string;
  contentType?: string;
}

/** Helpers for the emulator at `url`; every one throws where it answers anything but success. */
export function emulatorAt(url: string, controlBucket: string): Emulator {
  const objectUrl = (bucket: string, name: string) => `${url}/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`;

  async function request(method: string, target: string, expected: readonly number[], init: RequestInit = {}) {
    const response = await fetch(target, { ...init, method });
    if (response.ok || expected.includes(response.status)) return response;
    throw new Error(`${method} ${target}: ${response.status} ${await response.text()}`);
  }

  async function makeBucket(bucket: string): Promise<void> {
    const init = { body: JSON.stringify({ name: bucket }), headers: { 'content-type': 'application/json' } };
    await drain(await request('POST', `${url}/storage/v1/b?project=apollo-dev`, [409], init));
  }

  async function putObject(bucket: string, name: string, content: Uint8Array | string, options: PutOptions = {}) {
    const { contentType = 'application/octet-stream', onlyIfMissing = false } = options;
    const query = new URLSearchParams({ uploadType: 'media', name, ...(onlyIfMissing && { ifGenerationMatch: '0' }) });
    const target = `${url}/upload/storage/v1/b/${bucket}/o?${query.toString()}`;
    const init = { body: Buffer.from(content), headers: { 'content-type': contentType } };
    await drain(await request('POST', target, onlyIfMissing ? [412] : [], init));
  }

  return {
    makeBucket,
    putObject,
    async getObject(bucket, name) {
      const response = await request('GET', `${objectUrl(bucket, name)}?alt=media`, [404]);
      const content = new Uint8Array(await response.arrayBuffer());
      return response.ok ? content : undefined;
    },
    async statObject(bucket, name) {
      const response = await request('GET', objectUrl(bucket, name), [404]);
      if (!response.ok) return drain(response);
      const { size, contentType = '', crc32c, generation } = (await response.json()) as ObjectResource;
      return { name, size: Number(size), crc32c, generation, contentType };
    },
    async listObjects(bucket, prefix = '') {
      const names: string[] = [];
      let pageToken: string | undefined;
      do {
        const query = new URLSearchParams({ prefix, ...(pageToken !== undefined && { pageToken }) });
        const response = await request('GET', `${url}/storage/v1/b/${bucket}/o?${query.toString()}`, []);
        const page = (await response.json()) as { items?: ObjectResource[]; nextPageToken?: string };
        names.push(...(page.items ?? []).map(({ name }) => name));
        pageToken = page.nextPageToken === '' ? undefined : page.nextPageToken;
      } while (pageToken !== undefined);
      return names;
    },
    async deleteObject(bucket, name) {
      await drain(await request('DELETE', objectUrl(bucket, name), [404]));
    },
    async putCollection(collection, options = {}) {
      await makeBucket(collection.bucket);
      const acl = { owner: [], admin: [], readwrite: [], readonly: [], ...collection.acl };
      const document = JSON.stringify({ ...collection, acl }, undefined, 2);
      const name = `collections/${collection.collectionId}.json`;
      await putObject(controlBucket, name, document, { ...options, contentType: 'application/json' });
    },
  };
}

/** An unread body would keep its connection from being used again. */
async function drain(response: Response): Promise<undefined> {
  await response.body?.cancel();
  return undefined;
}
