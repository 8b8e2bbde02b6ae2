import type { IncomingMessage } from 'node:http'
import { ApiError } from '@ai-governance/common/errors'

/**
 * The whole body of a request. Rejects with `body_too_large` as soon as there is more than `limit`, and
 * never settles if the caller leaves before the end: the visit is over then.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const onData = (chunk: Buffer) => {
      size += chunk.length
      if (size <= limit) {
        chunks.push(chunk)
        return
      }
      request.off('data', onData)
      reject(new ApiError('body_too_large'))
    }
    request.on('data', onData)
    request.on('end', () =>
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)),
    )
    // Without a listener an early end of the connection would be an uncaught exception.
    request.on('error', () => {})
  })
}
