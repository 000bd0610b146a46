import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** One request, as the metrics count it. `route`: the route's pattern; a path would make a series of every job. */
export interface RequestSample {
  method: string;
  route: string;
  status: number;
  seconds: number;
}

/** What the API tells Prometheus. Each API has a registry of its own. */
export class ApiMetrics {
  readonly registry = new Registry();
  readonly #requests = new Counter({
    name: 'apollo_http_requests_total',
    help: 'Requests answered, by method, route and status.',
    labelNames: ['method', 'route', 'status'] as const,
    registers: [this.registry],
  });
  readonly #durations = new Histogram({
    name: 'apollo_http_request_duration_seconds',
    help: 'From a request to the head of its answer, by method and route; of a POST that starts a job, its admission.',
    labelNames: ['method', 'route'] as const,
    // A POST waits up to 5 s for its admission, and up to 60 s where it prefers to.
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
    registers: [this.registry],
  });
  readonly #inFlight = new Gauge({
    name: 'apollo_http_requests_in_flight',
    help: 'Requests whose answer has not begun.',
    registers: [this.registry],
  });

  /** A request begins; what is given back ends it. */
  begin(): (sample: RequestSample) => void {
    this.#inFlight.inc();
    return ({ method, route, status, seconds }) => {
      this.#inFlight.dec();
      this.#requests.inc({ method, route, status });
      this.#durations.observe({ method, route }, seconds);
    };
  }
}
