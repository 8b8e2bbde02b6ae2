import { pipeline, type Readable } from 'node:stream'
import { constants, createGzip } from 'node:zlib'

/** Whether an Accept-Encoding header lets an answer be gzip (RFC 9110 §12.5.3). */
export function acceptsGzip(header: string | undefined): boolean {
  const weights = new Map<string, number>()
  for (const part of (header ?? '').toLowerCase().split(',')) {
    const [coding = '', ...parameters] = part.split(';').map((text) => text.trim())
    const q = parameters.find((text) => text.startsWith('q='))
    weights.set(coding, q === undefined ? 1 : Number(q.slice(2)))
  }
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0
}

/** `source` compressed; what breaks off is broken off here too. Level 1: an export is read once. */
export function gzipped(source: Readable): Readable {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED })
  return pipeline(source, gzip, () => {})
}
