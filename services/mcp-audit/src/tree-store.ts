import type { Database, Read } from '@ai-governance/common/database/database'
import { HASH_BYTES } from './tree/merkle.ts'

/** Held by the one replica that signs. Any number that no other lock of this database has. */
const SIGNER_LOCK = '7402117835102841002'
/** Hashes to a statement: 640 KiB of them. */
export const CHUNK = 20_000

/** Hashes side by side of entries (or subtrees) with successive positions. */
export interface HashRun {
  count: number
  hashes: Buffer
}

/** The SQL statements about the tree of the log. */
export class TreeStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Runs `work` while no other replica does; `work` reads through what it is given. */
  whileSigning<Result>(work: (reader: TreeReader) => Promise<Result>): Promise<Result> {
    return this.#database.locked(SIGNER_LOCK, (read) => work(new TreeReader(read)))
  }

  /** For reading without that lock. */
  reader(): TreeReader {
    return new TreeReader((query) => this.#database.read(query))
  }
}

/** Reads entry hashes and stored subtrees. */
export class TreeReader {
  readonly #read: Read

  constructor(read: Read) {
    this.#read = read
  }

  /** Entry hashes from `first` on, up to `limit` of them; ends before a position that is not there. */
  entryHashes(first: number, limit = CHUNK): Promise<HashRun> {
    return this.#run({
      name: 'tree_entry_hashes',
      text: `SELECT count(*), string_agg(entry_hash, '' ORDER BY id) AS hashes
               FROM (SELECT id, entry_hash, $1 + row_number() OVER (ORDER BY id) - 1 AS expected
                       FROM audit_log WHERE id >= $1 ORDER BY id LIMIT $2) AS run
              WHERE id = expected`,
      values: [first, limit],
    })
  }

  /** Stored roots of full subtrees from the index `first` on, as `entryHashes`. */
  subtreeRoots(first: number, limit = CHUNK): Promise<HashRun> {
    return this.#run({
      name: 'tree_subtree_roots',
      text: `SELECT count(*), string_agg(root, '' ORDER BY index) AS hashes
               FROM (SELECT index, root, $1 + row_number() OVER (ORDER BY index) - 1 AS expected
                       FROM audit_subtrees WHERE index >= $1 ORDER BY index LIMIT $2) AS run
              WHERE index = expected`,
      values: [first, limit],
    })
  }

  async #run(query: { name: string; text: string; values: [number, number] }): Promise<HashRun> {
    const [row] = await this.#read<{ count: string; hashes: Buffer | null }>(query)
    const count = Number(row?.count ?? 0)
    const hashes = row?.hashes ?? Buffer.alloc(0)
    // A hash of another length, which only a superuser could store, would shift all behind it.
    return hashes.length === count * HASH_BYTES
      ? { count, hashes }
      : { count: 0, hashes: Buffer.alloc(0) }
  }
}
