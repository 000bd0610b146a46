import { TEXTS } from '../texts.ts';
import { envelope } from '../envelope.ts';
import type { JobPage } from '../jobs/job-service.ts';
import type { TrackDetail, TrackSummary } from '../schemas/track.ts';
import type { JobPages } from './job-pages.ts';
import { trackDetails, trackSummary } from './track-detail.ts';

/** The answer for one page, or for a job that fits one. */
export function trackAnswer(page: JobPage) {
  const data: { Summary: TrackSummary; Detail: TrackDetail[] } = {
    Summary: trackSummary(page.job.counts),
    Detail: trackDetails(page),
  };
  return envelope(200, TEXTS.track, data);
}

/** Text of a page's details, without the brackets of their array. */
function detailText(page: JobPage): string {
  return JSON.stringify(trackDetails(page)).slice(1, -1);
}

/**
 * The same answer as JSON text, page by page: an unpaged answer has a detail for every file of the job, and memory
 * should not depend on how many that is. The summary is that of the first page's moment.
 */
export async function* trackText({ first, pages }: JobPages): AsyncGenerator<string, void, undefined> {
  const head = trackAnswer({ ...first, files: [] });
  // Everything up to the array, whose three closing brackets come last.
  yield JSON.stringify(head).slice(0, -3);
  let separator = '';
  for await (const page of pages) {
    if (page.files.length === 0) continue;
    yield separator + detailText(page);
    separator = ',';
  }
  yield ']}}';
}
