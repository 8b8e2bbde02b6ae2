import {
  CheckpointQuery,
  ConsistencyQuery,
  InclusionQuery,
} from '../../../services/mcp-audit/src/tree-routes.ts'
import { json, media, type Operations } from '../operation.ts'
import { DATABASE, SIGNER } from './shared.ts'

const TEXT = media('text/plain', { type: 'string' })
const BYTES = media('application/octet-stream', { type: 'string', format: 'binary' })
const TILE_NAME =
  'Larger indexes and partial tiles have more segments (`x001/234`, `000.p/7`), which one parameter cannot show: see ' +
  '`x-path-pattern`.'

/** Checkpoints, proofs and tiles. */
export const AUDIT_TREE: Operations = {
  'GET /checkpoint': {
    id: 'audit.checkpoint',
    summary: 'A signed checkpoint over all that is committed',
    query: CheckpointQuery,
    answer: TEXT,
    headers: ['Cache-Control'],
    errors: ['not_found', ...DATABASE, ...SIGNER],
  },
  'GET /checkpoint/key': {
    id: 'audit.checkpointKey',
    summary: 'The verifier key that outsiders pin',
    answer: TEXT,
    errors: ['signing_key_missing'],
  },
  'GET /proof/inclusion': {
    id: 'audit.inclusionProof',
    summary: 'That an entry is in the log of a checkpoint',
    description: 'With `Accept: text/plain` a C2SP tlog-proof.',
    query: InclusionQuery,
    parameters: { id: 1 },
    answer: { ...json('InclusionProof'), ...TEXT },
    errors: ['not_found', ...DATABASE, ...SIGNER],
  },
  'GET /proof/consistency': {
    id: 'audit.consistencyProof',
    summary: 'That one checkpoint continues another',
    query: ConsistencyQuery,
    parameters: { from: 1 },
    answer: json('ConsistencyProof'),
    errors: [...DATABASE, ...SIGNER],
  },
  'GET /tile/{L}/{N}': {
    id: 'audit.tile',
    summary: '256 hashes of a level of the tree in a row',
    description: `[tlog-tiles](https://c2sp.org/tlog-tiles). ${TILE_NAME}`,
    answer: BYTES,
    headers: ['Cache-Control'],
    errors: ['not_found', ...DATABASE, ...SIGNER],
  },
  'GET /tile/entries/{N}': {
    id: 'audit.entryTile',
    summary: 'The entry hashes of the same leaves',
    description: `\`u16 32 ‖ entry_hash\` for each. ${TILE_NAME}`,
    answer: BYTES,
    headers: ['Cache-Control'],
    errors: ['not_found', ...DATABASE, ...SIGNER],
  },
}
