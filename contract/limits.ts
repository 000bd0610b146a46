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

/** What a `files` query answers at once, about, in bytes: below Temporal's 2 MB, and a thousand usual files fit. */
export const MAX_QUERY_BYTES = 1_500_000;

/** A collection's id, in characters: it becomes part of an object's name, `collections/{id}.json`. */
export const MAX_COLLECTION_ID_LENGTH = 256;

/** Files of a chunk of a bulk job: what one listing request gives. */
export const CHUNK_FILES = 1_000;

/** Files of one list or manifest: to find repeated destinations, about 30 bytes of memory a file are held. */
export const MAX_LISTED_FILES = 10_000_000;

/** Collections of one list or manifest: they travel in Temporal payloads (2 MB), up to 1.5 KB each. */
export const MAX_LISTED_COLLECTIONS = 500;

/** Mistakes of a long list that are told; past it they are one mistake made again. */
export const MAX_REQUEST_ERRORS = 1_000;

/**
 * A line of a manifest, in bytes. The longest entry there can be (two names and two ids at their limits, every character
 * of them escaped as `\uXXXX`) fits.
 */
export const MAX_MANIFEST_LINE_BYTES = 16 * 1024;

/** A manifest, in bytes, once it is decompressed. */
export const MAX_MANIFEST_BYTES = 4 * 1024 ** 3;

/**
 * How many times its compressed size a manifest may have. Measured: sequential names of usual length compress to a
 * fiftieth, entries at their longest to a 180th; a bomb comes to a thousandth. Judged past the first
 * `GZIP_ALLOWANCE_BYTES`, where a ratio says little.
 */
export const MAX_GZIP_RATIO = 300;
export const GZIP_ALLOWANCE_BYTES = 1024 * 1024;

/** The highest rate a request may ask for, in files a second for the whole job: above what any bucket takes. */
export const MAX_FILES_PER_SECOND = 100_000;

/** The smallest: a file in a quarter of an hour or so. */
export const MIN_FILES_PER_SECOND = 0.001;
