import { ApiError } from '@ai-governance/common/errors'
import type { App } from '@ai-governance/common/http/server'
import { decimal, idParameter } from '@ai-governance/common/requests/fields'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { base64 } from './signer/attestation.ts'
import type { Checkpoint, Signer } from './signer/signer.ts'
import type { Prover } from './tree/prover.ts'
import { entryBundle, parseTilePath, type TilePath } from './tree/tiles.ts'
import type { Witnessed } from './witness/witnessed.ts'

const position = decimal(0, Number.MAX_SAFE_INTEGER)

export const CheckpointQuery = z.strictObject({
  witnessed: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .default(false),
})
export const InclusionQuery = z.strictObject({ id: idParameter, size: idParameter.optional() })
export const ConsistencyQuery = z.strictObject({ from: position, to: position.optional() })

const TEXT_TYPE = 'text/plain; charset=utf-8'

export interface TreeParts {
  signer: Signer
  prover: Prover
  witnessed: Witnessed
}

/** Checkpoints, proofs and tiles, docs/API.md. */
export function registerTreeRoutes(app: App, parts: TreeParts): void {
  const { signer, prover, witnessed } = parts

  app.get('/checkpoint', { schema: { querystring: CheckpointQuery } }, async (request, reply) => {
    const { note } = request.query.witnessed
      ? await witnessed.newest()
      : await witnessed.withLines(await signer.checkpoint())
    return reply.type(TEXT_TYPE).header('cache-control', 'no-store').send(note)
  })

  app.get('/checkpoint/key', async (_request, reply) =>
    reply.type(TEXT_TYPE).send(`${signer.verifierKey()}\n`),
  )

  app.get(
    '/proof/inclusion',
    { schema: { querystring: InclusionQuery } },
    async (request, reply) => {
      const { id, size } = request.query
      const checkpoint = await checkpointOf(parts, size)
      if (id > checkpoint.size) {
        throw size === undefined
          ? new ApiError('not_found', 'the log has no entry of this id')
          : invalid('id', `must be at most size, ${checkpoint.size}`)
      }
      const hashes = base64(await prover.inclusion(id - 1, checkpoint.size))
      // The same proof as C2SP tlog-proof for who asks for text.
      if (asksForText(request.headers.accept)) {
        const lines = ['c2sp.org/tlog-proof@v1', `index ${id - 1}`, ...hashes, '', checkpoint.note]
        return reply.type(TEXT_TYPE).header('vary', 'accept').send(lines.join('\n'))
      }
      return reply
        .header('vary', 'accept')
        .send({ index: id - 1, size: checkpoint.size, hashes, checkpoint: checkpoint.note })
    },
  )

  app.get('/proof/consistency', { schema: { querystring: ConsistencyQuery } }, async (request) => {
    const checkpoint = await checkpointOf(parts, request.query.to, 'to')
    const { from } = request.query
    if (from > checkpoint.size) throw invalid('from', `must be at most ${checkpoint.size}`)
    const hashes = base64(await prover.consistency(from, checkpoint.size))
    return { from, to: checkpoint.size, hashes, checkpoint: checkpoint.note }
  })

  app.get('/tile/*', async (request, reply) => {
    // The path as it came: a wildcard parameter would be decoded.
    const path = parseTilePath((request.raw.url ?? '').split('?', 1)[0] ?? '')
    if (!path) throw new ApiError('not_found', 'there is no tile of this name')
    signer.assertKey()
    const tile = await tileOf(path, signer, prover)
    if (!tile) throw new ApiError('not_found', 'the tree has no such tile yet')
    return sendTile(reply, path, tile)
  })
}

/** The checkpoint of an older size, or of all there is, with what witnesses made of it. `name` is that of `size` in the query. */
async function checkpointOf(
  { signer, witnessed }: TreeParts,
  size: number | undefined,
  name = 'size',
): Promise<Checkpoint> {
  const newest = await signer.checkpoint()
  if (size !== undefined && size > newest.size) {
    throw invalid(name, `must be at most ${newest.size}`)
  }
  const isOlder = size !== undefined && size < newest.size
  return witnessed.withLines(isOlder ? await signer.checkpointAt(size) : newest)
}

async function tileOf(path: TilePath, signer: Signer, prover: Prover): Promise<Buffer | null> {
  const read = async () => {
    if (path.level !== 'entries') return prover.tile(path.level, path.index, path.width)
    const hashes = await prover.entries(path.index, path.width)
    return hashes && entryBundle(hashes)
  }
  const tile = await read()
  if (tile) return tile
  // Another replica may have signed a larger tree than this one has seen.
  await signer.checkpoint()
  return read()
}

function sendTile(reply: FastifyReply, { isFull }: TilePath, tile: Buffer): FastifyReply {
  return reply
    .type('application/octet-stream')
    .header('cache-control', isFull ? 'public, max-age=31536000, immutable' : 'no-cache')
    .send(tile)
}

function invalid(path: string, message: string): ApiError {
  return new ApiError('invalid_request', undefined, { errors: [{ path, message }] })
}

/** Whether `Accept` names text and not JSON as well, which clients that take anything do (RFC 9110, section 12.5.1). */
function asksForText(accept = ''): boolean {
  const named = accept
    .toLowerCase()
    .split(',')
    .filter((range) => !/;\s*q=0(\.0*)?\s*(;|$)/.test(range))
  const names = (type: string) => named.some((range) => range.split(';')[0]?.trim() === type)
  return names('text/plain') && !names('application/json')
}
