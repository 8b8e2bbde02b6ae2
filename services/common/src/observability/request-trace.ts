import type { IncomingMessage } from 'node:http'
import { readTrace, type TraceContext } from './trace-context.ts'

/** Kept apart from the request, because its log lines need it before there is anything but the raw one. */
const traces = new WeakMap<IncomingMessage, TraceContext>()

/** The trace of a request, the same each time it is asked for. */
export function requestTrace(request: IncomingMessage): TraceContext {
  const known = traces.get(request)
  if (known) return known
  const { traceparent, tracestate } = request.headers
  const trace = readTrace(one(traceparent), one(tracestate))
  traces.set(request, trace)
  return trace
}

/** Node joins what comes twice by a comma: no array comes, whatever its types say. */
function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(',') : value
}
