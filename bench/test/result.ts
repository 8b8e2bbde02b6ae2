import { GOALS } from '../goals.ts'
import { type Figure, ratioTo } from '../report/figures.ts'
import { makeResult, type Result } from '../report/result.ts'

const machine = {
  ...{ cores: 2, cpu: 'a | b & <c>', memoryGiB: 8, kernel: 'Linux 6', governor: null },
  ...{ loadBefore: 0.5, node: 'v26', postgres: '18.4', at: '2026-06-15T12:00:00.000Z' },
  commit: 'c0ffee0',
}

/** A run of one subject with the given rates, and of their floor. */
export function resultOf(rates: readonly number[], floor: readonly number[]): Result {
  const figures: Figure[] = [
    { name: 'INSERT', what: 'rate', unit: '/s', values: [...floor] },
    {
      ...{ name: 'POST /log', what: 'rate', unit: '/s', values: [...rates] },
      ratios: ratioTo('INSERT', rates, floor, GOALS.append),
    },
  ]
  return makeResult({
    machine,
    settings: { rounds: rates.length, seconds: 1, load: 'wrk', records: 1 },
    subjects: [{ subject: 'append', figures, skipped: [{ name: 'x', needs: 'wrk' }] }],
  })
}
