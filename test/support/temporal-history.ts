import { createRequire } from 'node:module';

/**
 * Histories as ProtoJSON, the form in which Temporal's Web UI and command line give them.
 *
 * The SDK has functions for this (`historyToJSON`, `historyFromJSON`), but they only work where npm happens to give
 * @temporalio/common and @temporalio/proto the same copy of protobufjs. Here the copy is that of @temporalio/proto.
 */

/** What is used of protobufjs. */
interface ProtoJson {
  toJson(type: unknown, message: unknown): unknown;
  fromJson(type: unknown, json: unknown, options: { ignoreUnknownFields: boolean }): unknown;
}

interface Proto {
  temporal: { api: { history: { v1: { History: { fromObject(history: unknown): unknown } } } } };
}

interface PatchRoot {
  patchProtobufRoot(proto: Proto): { lookupType(name: string): unknown };
}

const fromWorker = createRequire(createRequire(import.meta.url).resolve('@temporalio/worker'));
const fromProto = createRequire(fromWorker.resolve('@temporalio/proto'));
const protoJson = fromProto('protobufjs/ext/protojson') as ProtoJson;
const proto = fromWorker('@temporalio/proto') as Proto;
const patch = fromWorker('@temporalio/proto/lib/patch-protobuf-root') as PatchRoot;
const historyType = patch.patchProtobufRoot(proto).lookupType('temporal.api.history.v1.History');

/** A history as a client fetches it, as plain JSON. */
export function toJson(history: unknown): { events: unknown[] } {
  const message = proto.temporal.api.history.v1.History.fromObject(history);
  return protoJson.toJson(historyType, message) as { events: unknown[] };
}

/** The inverse. Throws where it is no history. */
export function fromJson(json: unknown): unknown {
  return protoJson.fromJson(historyType, json, { ignoreUnknownFields: true });
}
