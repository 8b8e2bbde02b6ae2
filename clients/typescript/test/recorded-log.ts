import { createPublicKey, randomUUID } from 'node:crypto'
import { activationDetails } from '../../../services/mcp-policy/src/activation-record.ts'
import { makeAibomJudge } from '../../../services/mcp-policy/src/aibom-judge.ts'
import { makeAibomKey } from '../../../services/mcp-policy/src/aibom-keys.ts'
import { decisionOf } from '../../../services/policy-engine/src/decision.ts'
import { loadPolicySet } from '../../../services/policy-engine/src/load/load-policies.ts'
import { canonicalJson } from '../src/canonical-json.ts'
import { readPolicyFolder } from '../src/cli/policy-folder.ts'
import type { JsonObject, JsonValue } from '../src/json.ts'
import { type Content, exportOf, ZEROS } from './entries.ts'

export interface ServiceSettings {
  /** PEM of the keys that bills of materials are verified with. */
  aibomKeys?: readonly string[]
  aibomRequired?: boolean
  slaMs?: number
  /** When the set became active. */
  activeSince?: Date
}

/** When the entries of a `logOf` were made, all of them: after what they tell of. */
const RECORDED_US = BigInt(Date.parse('2026-12-20T00:00:00Z')) * 1000n

/** The lines of an export of such entries, their details as the log keeps them. */
export function logOf(contents: readonly Content[]): string[] {
  const kept = contents.map((content) => ({
    ...content,
    details: JSON.parse(canonicalJson(content.details as JsonValue)) as JsonObject,
  }))
  return exportOf(kept, 1, ZEROS, RECORDED_US)
}

/**
 * What mcp-policy puts on the log, made by its own code: the entry of a set that became active, and decisions
 * under it as whoever asked for them records them.
 */
export async function recorderOf(folder: string, settings: ServiceSettings = {}) {
  const { aibomKeys = [], aibomRequired = false, slaMs = 1500 } = settings
  const { activeSince: loadedAt = new Date(1_764_000_000_000) } = settings
  const files = await readPolicyFolder(folder)
  const loaded = loadPolicySet(files)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors))
  const { set } = loaded
  const keys = aibomKeys.map((pem) => makeAibomKey(createPublicKey(pem)))
  const active = { set, files, warnings: [], loadedAt }
  const rules = { set, aibomRequired, slaMs }
  const judge = makeAibomJudge(keys)
  return {
    digest: set.digest,
    activated: (): Content => ({
      event_type: 'policy.activated',
      actor: 'service:mcp-policy',
      subject: set.digest,
      details: activationDetails(active, { keys, aibomRequired, slaMs }),
    }),
    /** `elapsedMs` is how long the decision took. */
    decided(payload: JsonObject, now: Date, elapsedMs = 0.25): Content {
      const decision = decisionOf(rules, {
        ...{ payload, aibom: judge(payload.aibom), now },
        id: randomUUID(),
        elapsedMs: () => elapsedMs,
      })
      const details = { payload, decision }
      return { event_type: 'model.reviewed', decision: decision.allowed, details }
    },
  }
}
