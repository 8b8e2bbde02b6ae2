import type { IncomingMessage } from 'node:http'
import { readTrace, type TraceContext } from './trace-context.ts'

/** On the raw request, since log lines need it before there is another. */
const TRACE = Symbol('trace')

/** The trace of a request, the same each time it is asked for. */
export function requestTrace(request: IncomingMessage & { [TRACE]?: TraceContext }): TraceContext {
  const known = request[TRACE]
  if (known) return known
  const { traceparent, tracestate } = request.headers
  const trace = readTrace(one(traceparent), one(tracestate))
  request[TRACE] = trace
  return trace
}

/** Node joins what comes twice by a comma: no array comes, whatever its types say. */
function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(',') : value
}
