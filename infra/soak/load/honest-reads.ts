import { EXAMPLE_PAYLOAD } from '../../example-payload.ts'
import type { Call } from './call.ts'
import type { Draws } from './draws.ts'
import type { Ground, Kind } from './ground.ts'
import { HONEST } from './honest-writes.ts'

type Asked = Omit<Call, 'token'>

/**
 * A kind of call that is sent once.
 *
 * @param make what to ask, or null where there is nothing to ask about yet: then who serves is asked instead
 * @param take what is done with the text of a 200
 */
function kind(
  name: string,
  weight: number,
  make: (ground: Ground, draws: Draws) => Asked | null,
  {
    expected = [],
    take,
  }: { expected?: string[]; take?: (ground: Ground, text: string) => void } = {},
): Kind {
  return {
    name,
    weight,
    async send(ground, draws) {
      const asked = make(ground, draws) ?? { path: '/mcp' }
      const { outcome, text } = await ground.call({ ...asked, token: ground.honest(draws) })
      if (outcome === '200' && asked.path !== '/mcp') take?.(ground, text)
      return { outcome, expected: [...HONEST, ...expected], what: asked.path }
    },
  }
}

/** Asks about one of these where there is one. */
const about = <Item>(
  items: (ground: Ground) => readonly Item[],
  ask: (item: Item, draws: Draws) => Asked,
) => {
  return (ground: Ground, draws: Draws) => {
    const all = items(ground)
    return all.length === 0 ? null : ask(draws.of(all), draws)
  }
}

const entries = ({ entries }: Ground) => entries.items
const get = (path: string) => () => ({ path })
const WHY = { reason: 'soak', legal_basis: 'GDPR Art. 17' }

/** Reads of every kind, and questions to mcp-policy. */
export const HONEST_READS: readonly Kind[] = [
  kind('validate', 8, () => ({
    path: '/mcp-policy/validate',
    body: { payload: EXAMPLE_PAYLOAD },
  })),
  kind('aibom verify', 2, ({ aibom }) => ({
    path: '/mcp-policy/aibom/verify',
    body: { aibom, model_id: 'fraud-detector', version: '1.2.3' },
  })),
  kind('policies', 0.5, get('/mcp-policy/policies')),
  kind('openapi', 0.2, get('/openapi.json')),
  kind('readyz', 0.5, get('/readyz')),
  kind('lineage of a model', 4, (_, draws) => ({
    path: `/mcp-lineage/lineage/model-${draws.below(50)}?limit=50`,
  })),
  kind('models', 1, get('/mcp-lineage/models?limit=50')),
  kind('lineage verify', 0.05, get('/mcp-lineage/verify?limit=2000')),
  kind('page', 3, (_, draws) => ({
    path: `/mcp-audit/events?limit=${1 + draws.below(200)}&subject=model-${draws.below(50)}@1.${draws.below(20)}`,
  })),
  kind('newest', 2, get('/mcp-audit/events?limit=100')),
  kind(
    'entry',
    3,
    about(entries, (id) => ({ path: `/mcp-audit/events/${id}` })),
  ),
  kind(
    'inclusion',
    2,
    about(entries, (id) => ({ path: `/mcp-audit/proof/inclusion?id=${id}` })),
  ),
  kind('checkpoint', 1, get('/mcp-audit/checkpoint'), {
    take: (ground, text) => ground.keep(text),
  }),
  kind(
    'consistency',
    1,
    about(
      ({ sizes }) => sizes.items,
      (from) => ({ path: `/mcp-audit/proof/consistency?from=${from}` }),
    ),
  ),
  // A tile that is not full yet is not there.
  kind('tile', 0.5, get('/mcp-audit/tile/0/000'), { expected: ['404 not_found'] }),
  kind(
    'summary of a decision',
    0.5,
    about(
      ({ decisions }) => decisions.items,
      (id) => ({ path: `/mcp-audit/events/${id}/vsa` }),
    ),
  ),
  kind(
    'export',
    0.2,
    about(entries, (id, draws) => ({
      path: `/mcp-audit/export?fmt=${draws.of(['ndjson', 'csv', 'json'])}&from_id=${Math.max(1, id - 2_000)}&to_id=${id}`,
      isLarge: true,
      headers: draws.next() < 0.5 ? { 'accept-encoding': 'gzip' } : {},
    })),
  ),
  kind(
    'verify',
    0.05,
    about(entries, (id) => ({
      path: `/mcp-audit/verify?from_id=${Math.max(1, id - 2_000)}&limit=2000`,
    })),
  ),
]

const idOf = (text: string) => JSON.parse(text).id as number

/** Personal data that comes, is held, and goes. */
export const HONEST_ERASURES: readonly Kind[] = [
  kind(
    'personal entry',
    0.5,
    (_, draws) => ({
      path: '/mcp-audit/log',
      body: {
        event_type: 'soak.personal',
        subject: `person-${draws.below(40)}`,
        decision: true,
        details: { name: `person ${draws.next()}` },
      },
    }),
    { take: (ground, text) => ground.personal.add(idOf(text)) },
  ),
  kind(
    'erase',
    0.3,
    about(
      ({ personal }) => personal.items,
      (id) => ({ path: `/mcp-audit/events/${id}/erase`, body: WHY }),
    ),
    { expected: ['409 legal_hold'] },
  ),
  kind('retention', 0.02, () => ({
    path: '/mcp-audit/retention',
    body: {
      ...WHY,
      before: new Date(Date.now() - 30_000).toISOString(),
      event_type: 'soak.personal',
    },
  })),
  kind(
    'hold',
    0.1,
    (_, draws) => ({
      path: '/mcp-audit/holds',
      body: { subject: `person-${draws.below(40)}`, reason: 'soak' },
    }),
    { take: (ground, text) => ground.holds.add(idOf(text)) },
  ),
  kind(
    'release',
    0.12,
    about(
      ({ holds }) => holds.items,
      (id) => ({ path: `/mcp-audit/holds/${id}/release`, body: { reason: 'soak' } }),
    ),
    { expected: ['409 already_released'] },
  ),
  kind('holds', 0.1, get('/mcp-audit/holds?limit=50')),
]
