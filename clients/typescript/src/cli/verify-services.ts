import type { VerifyQuery } from '../audit-types.ts'
import { GovernanceError } from '../errors.ts'
import type { Context } from './context.ts'
import { EXIT, Exit } from './exit.ts'
import { Progress } from './progress.ts'

/** What a service found of its own records, from the first to the last. */
interface Finding {
  ok: boolean
  checked: number
  first_bad_id: number | null
  reason: string | null
}

/** One step of a service's verification, whatever it calls what it counts. */
interface Step extends Omit<Finding, 'checked'> {
  entries?: number
  records?: number
  next_from_id: number | null
}

/** Has mcp-audit and mcp-lineage verify themselves, step by step to the end. */
export async function verifyServices(context: Context): Promise<void> {
  const client = context.client()
  const options = { signal: context.signal }
  const audit = await walk('log entries', (query) => client.audit.verify(query, options))
  const lineage = await walk('records', (query) => client.lineage.verify(query, options))
  const ok = audit.ok && lineage.ok
  context.result({ ok, audit, lineage }, () => [
    lineOf('log', audit),
    lineOf('lineage', lineage),
    'The services checked themselves. To trust none of them, verify an export.',
  ])
  if (!ok) throw new Exit(EXIT.notVerified)
}

async function walk(what: string, ask: (query: VerifyQuery) => Promise<Step>): Promise<Finding> {
  const progress = new Progress()
  let checked = 0
  let from = 1
  try {
    for (;;) {
      const step = await ask({ from_id: from })
      const { ok, first_bad_id, reason, next_from_id: next } = step
      checked += step.entries ?? step.records ?? Number.NaN
      // Only progress ends: nothing may pass for verified that was not looked at.
      const isStep = typeof ok === 'boolean' && (next === null || (next as number) > from)
      if (!isStep || !Number.isSafeInteger(checked)) {
        throw new GovernanceError('invalid_answer', 'the answer is no step of a verification.')
      }
      if (!ok || next === null) return { ok, checked, first_bad_id, reason }
      from = next
      progress.update(() => `${checked} ${what} verified …`)
    }
  } finally {
    progress.done()
  }
}

function lineOf(name: string, { ok, checked, first_bad_id, reason }: Finding): string {
  return `${name} ${ok ? 'ok' : 'NOT VERIFIED'}: ${checked} checked${ok ? '' : `; ${first_bad_id}: ${reason}`}`
}
