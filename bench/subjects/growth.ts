import { fillLog } from '@ai-governance/infra/test-support/fill-log'
import { GOALS } from '../goals.ts'
import { type Figure, ratioTo } from '../report/figures.ts'
import { EVENT } from './event.ts'
import { asOwner, type Ground } from './ground.ts'

const SMALL = 10_000
const LARGE = 10_000_000
const FILL_STEP = 250_000

/** Appends a second at 64 connections while the log is small, and when it has ten million entries; no rounds in turn. */
export async function benchGrowth(ground: Ground): Promise<Figure[]> {
  const small = await appendRates(SMALL, ground)
  const large = await appendRates(LARGE, ground)
  return [
    { ...{ name: nameOf(SMALL), what: 'rate', unit: '/s' }, values: small },
    {
      ...{ name: nameOf(LARGE), what: 'rate', unit: '/s', values: large },
      ratios: ratioTo('the small log', large, small, GOALS.growth),
    },
  ]
}

function nameOf(size: number): string {
  return `POST /log, a log of ${size.toLocaleString('en')}`
}

async function appendRates(size: number, ground: Ground): Promise<number[]> {
  const { stack, database, rounds, load, say } = ground
  await asOwner(database, async (owner) => {
    for (let at = 0; at < size; ) {
      at = Math.min(size, at + FILL_STEP)
      say(`growth: filling the log to ${size.toLocaleString('en')} entries, now ${at}`)
      await fillLog(owner, at)
    }
    // VACUUM refuses to share a message with anything else.
    await owner.query('VACUUM ANALYZE audit_log')
    await owner.query('CHECKPOINT')
  })
  const append = (seconds: number) =>
    load({ url: `${stack.audit.url}/log`, body: EVENT }, { connections: 64, seconds })
  await append(2)
  const rates: number[] = []
  for (let round = 1; round <= rounds.count; round++) {
    say(`growth: round ${round} of ${rounds.count}`)
    rates.push((await append(rounds.seconds)).rate)
  }
  return rates
}
