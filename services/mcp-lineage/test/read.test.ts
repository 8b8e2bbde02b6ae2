import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { MODEL, startService } from './service.ts'

let service: Awaited<ReturnType<typeof startService>>
before(async () => {
  service = await startService()
  for (const [model_id, version] of [
    ['a', '1'],
    ['a', '1'],
    ['b/c', '1'],
    ['a', '2'],
    ['é %;', '1'],
  ]) {
    await service.register({ ...MODEL, model_id, version })
  }
})
after(() => service.stop())

interface Record {
  id: number
  model_id: string
  created_at: string
}
const ids = async (url: string) => ((await service.get(url)) as Record[]).map((record) => record.id)

test('the revisions of a model come newest first, by path and by query', async () => {
  assert.deepEqual(await ids('/lineage/a'), [4, 2, 1])
  assert.deepEqual(await ids('/lineage?model_id=a'), [4, 2, 1])
  assert.deepEqual(await ids('/lineage?model_id=b/c'), [3])
  assert.deepEqual(await ids(`/lineage?model_id=${encodeURIComponent('é %;')}`), [5])
})

test('an unknown model has an empty lineage', async () => {
  assert.deepEqual(await service.get('/lineage/unknown'), [])
})

test('version narrows down, limit and before page with a link', async () => {
  assert.deepEqual(await ids('/lineage/a?version=1'), [2, 1])
  const answer = await service.app.inject({ url: '/lineage/a?limit=2' })
  assert.equal(answer.headers.link, '</lineage/a?limit=2&before=2>; rel="next"')
  assert.deepEqual(await ids('/lineage/a?limit=2&before=2'), [1])
})

test('at shows what was known then', async () => {
  const records = (await service.get('/lineage/a')) as Record[]
  const second = records[1] as Record
  assert.deepEqual(await ids(`/lineage/a?at=${second.created_at}`), [2, 1])
  assert.deepEqual(await ids('/lineage/a?at=2020-01-01T00:00:00Z'), [])
})

test('models lists the latest record of each, paged', async () => {
  assert.deepEqual(await ids('/models'), [5, 4, 3])
  assert.deepEqual(await ids('/models?limit=2'), [5, 4])
  assert.deepEqual(await ids('/models?limit=2&before=4'), [3])
})

for (const url of [
  '/lineage',
  '/lineage?model_id=',
  '/lineage?model_id=a&model_id=b',
  '/lineage?model_id=a&at=yesterday',
  '/lineage?model_id=a&limit=0',
  '/lineage/a?unknown=1',
  '/models?before=x',
  '/verify?x=1',
]) {
  test(`GET ${url} is 400`, async () => {
    assert.equal((await service.app.inject({ url })).statusCode, 400)
  })
}
