/** Ends the message of a job as long as it counts only those of its files that are listed by then. */
export const NOT_ALL_LISTED = 'Not all of the source is listed yet: there may be more files than are counted so far';

/** A job's message, whatever else there is to say, while its source is not listed to its end. */
export function whileListing(message: string): string {
  return message === '' ? NOT_ALL_LISTED : `${message}. ${NOT_ALL_LISTED}`;
}

/** What else there was to say: what `whileListing` was given. */
export function withoutListing(message: string): string {
  if (!isStillListing(message)) return message;
  return message.slice(0, -NOT_ALL_LISTED.length).replace(/\. $/, '');
}

/** Whether a job's message says that there may be more files than are counted. */
export function isStillListing(message: string): boolean {
  return message.endsWith(NOT_ALL_LISTED);
}
