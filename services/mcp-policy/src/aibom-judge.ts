import { hash } from 'node:crypto'
import { canonicalJson, type JsonValue } from '@ai-governance/common/formats/canonical-json'
import type { AibomResult } from '@ai-governance/policy-engine/aibom/result'
import { judgeAibom } from './aibom.ts'
import type { AibomKey } from './aibom-keys.ts'

/** Judges a bill of materials by a fixed set of keys; undefined and null mean that there is none. */
export type AibomJudge = (aibom: JsonValue | undefined) => Readonly<AibomResult>

/** About 300 bytes each, for a verified bill has nothing in its result that a caller could choose. */
const KEPT_RESULTS = 1000

/**
 * Judges bills by `keys` and remembers the last verified ones: a bill of some megabytes comes with every
 * decision about its model. A result is found by SHA-256 over the JCS of the whole bill, signature
 * included, and the key set, so that neither another signature nor another key set can meet it. Others are
 * not kept: they would hold the key id that they name, of whatever length, and push the good ones out.
 */
export function makeAibomJudge(keys: readonly AibomKey[], kept = KEPT_RESULTS): AibomJudge {
  const results = new Map<string, Readonly<AibomResult>>()
  const keySet = keys.map(({ bytes }) => bytes.toString('hex'))
  return (aibom) => {
    if (typeof aibom !== 'object' || aibom === null) return judgeAibom(aibom, keys)
    const place = hash('sha256', canonicalJson({ aibom, keys: keySet }))
    const known = results.get(place)
    // Taken out and put back: a Map is in the order of insertion, so the first is the one unused longest.
    if (known) results.delete(place)
    const result = known ?? Object.freeze(judgeAibom(aibom, keys))
    if (result.status !== 'verified') return result
    results.set(place, result)
    if (results.size > kept) results.delete(results.keys().next().value as string)
    return result
  }
}
