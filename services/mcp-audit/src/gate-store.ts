import type { Database } from '@ai-governance/common/database/database'

/** The keys under which decisions of the gate were recorded. */
export class GateStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** The id of the decision that an actor has recorded under a key; null if there is none. */
  async entryOfKey(key: string, actor: string): Promise<number | null> {
    const rows = await this.#database.read<{ id: string | null }>({
      name: 'audit_known_key',
      text: "SELECT audit_known_key($1, 'gate', $2) AS id",
      values: [key, actor],
    })
    const id = rows[0]?.id ?? null
    return id === null ? null : Number(id)
  }
}
