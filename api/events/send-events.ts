import type { Clock } from '../../storage/pacing/clock.ts';
import { Bell } from './bell.ts';
import { Ledger, STREAM_PACE } from './ledger.ts';
import type { Seat } from './job-feed.ts';

/** Where the events go. */
export interface EventSink {
  write(text: string): Promise<unknown>;
  /** Called once nobody takes them any more. */
  onAbort(listener: () => void): void;
}

interface Listening {
  /** The last event that the client has had, on an earlier connection. */
  lastEventId: string | undefined;
  clock: Clock;
  /** Aborted once the process is to end. */
  stopping: AbortSignal | undefined;
}

/**
 * Sends one listener a job's events until the job's end, or until one of both sides goes, and gives the seat back. A slow
 * client is sent the newest snapshot, not all there were. Gives false where it did not take what was sent in time.
 */
export async function sendEvents(
  sink: EventSink,
  seat: Seat,
  { lastEventId, clock, stopping }: Listening,
): Promise<boolean> {
  const { feed } = seat;
  const bell = new Bell(clock);
  let isGone = stopping?.aborted ?? false;
  const leave = () => {
    isGone = true;
    bell.ring();
  };
  sink.onAbort(leave);
  stopping?.addEventListener('abort', leave);
  /** Whether there is something new already, which is only to be sent later. */
  let awaitsTurn = false;
  seat.onChange = () => {
    // Where many listen, most changes come long before the turn: to wake each listener for them would cost more than the events.
    if (!awaitsTurn || feed.latest.isEnd || feed.isOver) bell.ring();
  };
  const isTaken = (text: string) => bell.within(STREAM_PACE.writeMs, sink.write(text));
  try {
    const endsAt = clock.now() + STREAM_PACE.longestMs;
    const ledger = new Ledger(lastEventId, clock.now());
    if (!(await isTaken(`retry: ${STREAM_PACE.retryMs}\n\n`))) return false;
    while (!isGone && !feed.isOver && clock.now() < endsAt) {
      const { latest } = feed;
      const outgoing = ledger.next(feed, clock.now());
      if (outgoing.text === '') {
        awaitsTurn = ledger.hasNew(feed);
        await bell.wait(Math.min(ledger.dueAt(feed), endsAt) - clock.now());
        awaitsTurn = false;
      } else {
        if (!(await isTaken(outgoing.text))) return false;
        if (outgoing.isLast) return true;
        ledger.note(latest, outgoing, clock.now());
      }
    }
    return true;
  } finally {
    seat.leave();
    stopping?.removeEventListener('abort', leave);
  }
}
