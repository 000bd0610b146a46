const MEBIBYTE = 1024 * 1024;

/** How much of something there may be at a time: in all, and for one caller, so that nobody can take all of it. */
export interface Share {
  total: number;
  perCaller: number;
}

/** What the app takes on at a time, and how slowly a body may come. */
export interface ApiLimits {
  requests: Share;
  longBodies: Share;
  heldBytes: Share;
  wholeJobs: Share;
  listeners: Share;
  watchedJobs: Share;
  bodyIdleMs: number;
  bodyTotalMs: number;
}

/** What the server does about connections. Times in milliseconds. */
export interface ServerLimits {
  headersTimeoutMs: number;
  requestTimeoutMs: number;
  keepAliveMs: number;
  requestsPerConnection: number;
  idleConnectionMs: number;
  connections: number;
  checkEveryMs: number;
}

/** The bounds that keep the API answering, whatever its clients do, each with its reason. */
export const LIMITS: Readonly<ApiLimits> = {
  /** Requests whose answers are not out: a thousand may wait for a job's end (job-waiter.ts), and others come and go beside them. */
  requests: { total: 1_500, perCaller: 750 },
  /** Long lists being parsed: each takes a connection to storage, and seconds of CPU at 64 MiB. */
  longBodies: { total: 16, perCaller: 8 },
  /** Bytes of bodies that are held until they are whole (at most 512 KiB each). */
  heldBytes: { total: 128 * MEBIBYTE, perCaller: 64 * MEBIBYTE },
  /**
   * Answers that all files of a job are read for, since they tell of each or count those of one collection: each holds a
   * page of a thousand, a few MiB with long names, until it is taken. And retries, until their list is made. While they
   * are counted or listed, eight thousand are held.
   */
  wholeJobs: { total: 100, perCaller: 25 },
  /** Streams of events: each is a connection, and may last as long as its job. */
  listeners: { total: 2_000, perCaller: 500 },
  /** Jobs that are looked at for them, up to twice a second each. */
  watchedJobs: { total: 200, perCaller: 50 },
  /** The longest wait for more of a body: longer than what a network that loses packets needs. */
  bodyIdleMs: 15_000,
  /** The longest time for a body in all: 64 MiB at 5 Mbit/s. */
  bodyTotalMs: 110_000,
};

export const SERVER_LIMITS: Readonly<ServerLimits> = {
  /** Headers come in one packet or two. */
  headersTimeoutMs: 10_000,
  /** Above the time for a body, which has an answer of its own. */
  requestTimeoutMs: 120_000,
  /** Above the usual minute for which proxies keep idle connections, so that they close them and not we. */
  keepAliveMs: 65_000,
  /** After so many the connection is closed in good order, so that clients spread anew over all processes. */
  requestsPerConnection: 10_000,
  /** Nothing sent or taken: the other side is gone. Above the longest wait that a caller may ask for (60 s). */
  idleConnectionMs: 90_000,
  /** Each takes a file descriptor; the usual bound on these is above. */
  connections: 8_192,
  /** How often the first two are looked at. */
  checkEveryMs: 1_000,
};
