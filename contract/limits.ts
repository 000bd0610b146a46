/** Every bound that more than one side has to respect, with its reason. */

/** Entries of a list that travel inside the request; more would not fit a Temporal payload (2 MB) with long names. */
export const MAX_INLINE_ENTRIES = 1_000;

/** Size of a list as JSON, in bytes, that travels inside a Temporal payload. */
export const MAX_INLINE_BYTES = 512 * 1024;

/** Largest request body the API reads, in bytes. */
export const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** An object's full name in Cloud Storage, in UTF-8 bytes (cloud.google.com/storage/docs/objects#naming). */
export const MAX_OBJECT_NAME_BYTES = 1_024;

/** Page size of the status views. */
export const DEFAULT_PAGE_LIMIT = 100;
export const MAX_PAGE_LIMIT = 1_000;

/** Files a `files` query answers at once: names of 2 KiB for each still stay below Temporal's 2 MB. */
export const MAX_QUERY_FILES = 250;
