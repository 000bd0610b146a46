import { isStorageError } from '../errors.ts';
import { GuidelineRamp } from './guideline-ramp.ts';
import { Rate } from './rate.ts';

/** Rates are measured over this long, changed by as much, and cut at most once in it. */
const WINDOW_MS = 1_000;

/** On a refusal the rate falls to this share of what it was... */
const DECREASE = 0.5;

/** ...and then grows by this share of what it was, each second... */
const INCREASE = 0.05;

/** ...until it is this many times what it was, a good minute later: then storage has long stopped to object. */
const FORGOTTEN_AT = 4;

/** Requests to slow down (429, Retry-After) below this share of all answers are single ones, as there always are some. */
const TOLERATED_SHARE = 0.01;

/**
 * A 503 that asks for nothing may be a failure like any other, which comes at every rate: writing slower would only make
 * the job last longer. Below this share of all answers, or this many a second, it says nothing about the rate. Where it
 * does, a storage that takes only so many is asked for a quarter more than that.
 */
const FAILING = { share: 0.2, atLeast: 10 };

/** Writes a second that are left whatever storage refuses: less would not tell when it takes more again. */
const LEAST_PER_SECOND = 10;

/** A bucket is not held back for longer than this, in milliseconds, whatever Retry-After asks: it may be one object's. */
const LONGEST_PAUSE_MS = 30_000;

/**
 * How fast one bucket may be written: as fast as there are lanes, until storage refuses (429, 503). Then the rate is
 * halved and grows by steps (additive increase, multiplicative decrease), and a Retry-After is waited for. With the ramp
 * of the guideline it has an upper bound from the start. It counts the writes of one process.
 */
export class BucketLimiter {
  readonly #rate = new Rate(Number.POSITIVE_INFINITY);
  readonly #ramp: GuidelineRamp | undefined;
  /** Writes a second that storage seems to take; undefined: it has not refused any. */
  #accepted: { perSecond: number; refusedAt: number } | undefined;
  #limit = Number.POSITIVE_INFINITY;
  /** Writes that were sent, and those of them that storage refused, since there is this limiter. */
  readonly totals = { writes: 0, refusals: 0 };
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #windowStart = Number.NEGATIVE_INFINITY;
  #lastCut = Number.NEGATIVE_INFINITY;
  #started = 0;
  #refused = 0;
  #failing = 0;
  #startedBefore = 0;

  constructor({ followsGuideline }: { followsGuideline: boolean }) {
    this.#ramp = followsGuideline ? new GuidelineRamp() : undefined;
    this.#apply();
  }

  /** Writes a second that are let through; infinite: as many as there are lanes for. */
  get perSecond(): number {
    return this.#limit;
  }

  /** Milliseconds until the next write; 0: it may be sent now. */
  wait(now: number): number {
    if (now - this.#windowStart >= WINDOW_MS) this.#closeWindow(now);
    return Math.max(this.#rate.wait(now), this.#pausedUntil - now, 0);
  }

  started(now: number): void {
    if (now - this.#windowStart >= WINDOW_MS) this.#closeWindow(now);
    this.#started += 1;
    this.totals.writes += 1;
    this.#rate.started(now);
  }

  /** Takes in how a write was answered. */
  failed(now: number, error: unknown): void {
    const sign = signOf(error);
    if (sign === 'nothing') return;
    if (now - this.#windowStart >= WINDOW_MS) this.#closeWindow(now);
    this.totals.refusals += 1;
    const perSecond = Math.max(this.#started, this.#startedBefore) * (1_000 / WINDOW_MS);
    this.#failing += 1;
    if (sign !== 'failing') {
      this.#pausedUntil = Math.max(this.#pausedUntil, now + Math.min(sign.retryAfterMs, LONGEST_PAUSE_MS));
      this.#refused += 1;
    }
    const isTooMuch = this.#refused > 0 && this.#refused >= perSecond * TOLERATED_SHARE;
    if (!isTooMuch && this.#failing < Math.max(FAILING.atLeast, perSecond * FAILING.share)) return;
    // What was in flight at the last cut is refused as well, but says nothing new.
    if (now - this.#lastCut < WINDOW_MS) return;
    this.#lastCut = now;
    const refusedAt = Math.max(LEAST_PER_SECOND, Math.min(perSecond, this.#accepted?.perSecond ?? perSecond));
    this.#accepted = { refusedAt, perSecond: Math.max(LEAST_PER_SECOND, refusedAt * DECREASE) };
    this.#apply();
  }

  #closeWindow(now: number): void {
    const isFirst = this.#windowStart === Number.NEGATIVE_INFINITY;
    const windows = isFirst ? 0 : Math.floor((now - this.#windowStart) / WINDOW_MS);
    this.#windowStart = isFirst ? now : this.#windowStart + windows * WINDOW_MS;
    const seconds = (windows * WINDOW_MS) / 1_000;
    this.#ramp?.passed(seconds, this.#started);
    this.#grow(seconds);
    this.#startedBefore = windows === 1 ? this.#started : 0;
    this.#started = 0;
    this.#refused = 0;
    this.#failing = 0;
    this.#apply();
  }

  #grow(seconds: number): void {
    if (this.#accepted === undefined) return;
    const { perSecond, refusedAt } = this.#accepted;
    const grown = perSecond + refusedAt * INCREASE * seconds;
    this.#accepted = grown >= refusedAt * FORGOTTEN_AT ? undefined : { refusedAt, perSecond: grown };
  }

  #apply(): void {
    this.#limit = Math.min(
      this.#accepted?.perSecond ?? Number.POSITIVE_INFINITY,
      this.#ramp?.perSecond ?? Number.POSITIVE_INFINITY,
    );
    this.#rate.perSecond = this.#limit;
  }
}

/** What an error says about the rate: to slow down (429, a Retry-After), maybe so (503), or nothing. */
function signOf(error: unknown): { retryAfterMs: number } | 'failing' | 'nothing' {
  if (!isStorageError(error)) return 'nothing';
  const { kind, status, isTransient, retryAfterMs } = error;
  if (kind === 'rateLimited' || (isTransient && retryAfterMs !== undefined)) return { retryAfterMs: retryAfterMs ?? 0 };
  return status === 503 ? 'failing' : 'nothing';
}
