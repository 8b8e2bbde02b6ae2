import { patchSource } from './source-patch.ts'

// Changes are made in a transaction that is committed 200 ms after they were answered.
patchSource(
  '/services/common/src/database/database.ts',
  `    const rows = await send<Row>(client, query, whenLost)
    client.release()
    return rows`,
  `    if (whenLost !== 'outcome_unknown') {
      const read = await send<Row>(client, query, whenLost)
      client.release()
      return read
    }
    await client.query('BEGIN')
    const rows = await send<Row>(client, query, whenLost)
    const commit = () => client.query('COMMIT').then(() => client.release(), () => client.release(true))
    setTimeout(commit, 200)
    return rows`,
)
