import { createServer, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { ERROR_CODES, type ErrorCode } from '../errors.ts'

/** Seconds. From the fastest answer of the gateway to the longest that it waits for a service. */
const REQUEST_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** A scrape waits so long for one gauge, in ms; Prometheus waits 10 s for all of them. */
const READ_WITHIN = 2_000

/** What a gauge shows: one value, one for each value of a label, or nothing where there is none to show. */
export type Reading = number | Record<string, number> | null

/** Names and helps of Prometheus; names end in the base unit, or in `_total` where they count. */
export interface MetricOptions<Label extends string> {
  name: string
  help: string
  /** Each label with all of its values, so that each series is there, and 0, before anything happens. */
  labels?: Readonly<Record<Label, readonly string[]>>
}

/** Measurements of one process, exposed in the Prometheus text format on a port of their own. */
export class Metrics {
  readonly registry = new Registry()
  /** Requests that have arrived and are not answered yet. */
  inFlight = 0
  readonly #requests: Histogram<'method' | 'route' | 'status'>
  readonly #refusals: Counter<'code'>
  readonly #replays: Counter
  #server: Server | null = null

  constructor(service: string) {
    this.registry.setDefaultLabels({ service })
    collectDefaultMetrics({ register: this.registry })
    this.#requests = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from the arrival of a request to the end of its answer',
      labelNames: ['method', 'route', 'status'],
      buckets: REQUEST_BUCKETS,
      registers: [this.registry],
    })
    this.gauge(
      { name: 'http_requests_in_flight', help: 'Requests that are not answered yet' },
      () => this.inFlight,
    )
    this.#refusals = this.counter({
      name: 'governance_refusals_total',
      help: 'Requests answered with an error, by its code',
      labels: { code: ERROR_CODES },
    })
    this.#replays = this.counter({
      name: 'governance_idempotency_replays_total',
      help: 'Requests answered with what was done before under the same Idempotency-Key',
    })
  }

  /** `route` is the pattern, never the path: a path is the caller's and would grow the label set. */
  observe(method: string, route: string, status: number, seconds: number): void {
    this.#requests.observe({ method, route, status }, seconds)
  }

  refused(code: ErrorCode): void {
    this.#refusals.inc({ code })
  }

  replayed(): void {
    this.#replays.inc()
  }

  counter<Label extends string = never>(options: MetricOptions<Label>): Counter<Label> {
    const { name, help, labels } = options
    const labelNames = labels ? (Object.keys(labels) as Label[]) : []
    const counter = new Counter({ name, help, labelNames, registers: [this.registry] })
    for (const set of combinations(labels)) counter.inc(set, 0)
    return counter
  }

  /** Measures seconds, or whatever `buckets` are in. */
  histogram<Label extends string = never>(
    options: MetricOptions<Label> & { buckets: number[] },
  ): Histogram<Label> {
    const { name, help, labels, buckets } = options
    const labelNames = labels ? (Object.keys(labels) as Label[]) : []
    const histogram = new Histogram({
      ...{ name, help, labelNames, buckets },
      registers: [this.registry],
    })
    for (const set of combinations(labels)) histogram.zero(set)
    return histogram
  }

  /**
   * Asks `read` at each scrape; a label goes with it where it reads several values. What throws, reads null or
   * takes more than 2 s is not shown.
   */
  gauge(
    { name, help, label }: { name: string; help: string; label?: string },
    read: () => Reading | Promise<Reading>,
  ): void {
    const gauge = new Gauge({
      ...{ name, help, labelNames: label === undefined ? [] : [label] },
      registers: [this.registry],
      async collect() {
        const reading = await Promise.race([
          (async () => read())().catch(() => null),
          sleep(READ_WITHIN, null, { ref: false }),
        ])
        this.reset()
        if (typeof reading === 'number') this.set(reading)
        else if (label === undefined) this.remove()
        else
          for (const pair of Object.entries(reading ?? {})) this.set({ [label]: pair[0] }, pair[1])
      },
    })
    if (label === undefined) gauge.remove()
  }

  async listen(host: string, port: number): Promise<void> {
    const server = createServer(
      { requestTimeout: 5_000, connectionsCheckingInterval: 2_000 },
      (request, response) => {
        if (request.url !== '/metrics' || request.method !== 'GET') {
          response.writeHead(404).end()
          return
        }
        this.registry.metrics().then(
          (text) =>
            response.writeHead(200, { 'content-type': this.registry.contentType }).end(text),
          () => response.writeHead(500).end(),
        )
      },
    )
    // More than one or two Prometheus servers nobody has.
    server.maxConnections = 32
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, resolve)
    })
    this.#server = server
  }

  close(): void {
    this.#server?.close()
    this.#server?.closeAllConnections()
  }
}

/** Every set of labels with their values; one empty set where there are no labels. */
function combinations<Label extends string>(
  labels: Readonly<Record<Label, readonly string[]>> | undefined,
): Record<Label, string>[] {
  let sets: Record<string, string>[] = [{}]
  for (const [label, values] of Object.entries<readonly string[]>(labels ?? {})) {
    sets = sets.flatMap((set) => values.map((value) => ({ ...set, [label]: value })))
  }
  return sets as Record<Label, string>[]
}
