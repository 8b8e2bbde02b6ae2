import type { Database, Read } from '@ai-governance/common/database'
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
      text: `SELECT count(*), max(id) - min(id) + 1 AS span, min(id) AS first,
                    string_agg(entry_hash, '' ORDER BY id) AS hashes
               FROM (SELECT id, entry_hash FROM audit_log WHERE id >= $1 ORDER BY id LIMIT $2) AS run`,
      values: [first, limit],
    })
  }

  /** Stored roots of full subtrees from the index `first` on, as `entryHashes`. */
  subtreeRoots(first: number, limit = CHUNK): Promise<HashRun> {
    return this.#run({
      name: 'tree_subtree_roots',
      text: `SELECT count(*), max(index) - min(index) + 1 AS span, min(index) AS first,
                    string_agg(root, '' ORDER BY index) AS hashes
               FROM (SELECT index, root FROM audit_subtrees WHERE index >= $1 ORDER BY index LIMIT $2) AS run`,
      values: [first, limit],
    })
  }

  async #run(query: { name: string; text: string; values: [number, number] }): Promise<HashRun> {
    const [row] = await this.#read<{
      count: string
      span: string | null
      first: string | null
      hashes: Buffer | null
    }>(query)
    const count = Number(row?.count ?? 0)
    const hashes = row?.hashes ?? Buffer.alloc(0)
    // Where a row is missing in between, nothing behind it counts: there the caller finds the end.
    const isWhole =
      Number(row?.first) === query.values[0] &&
      Number(row?.span) === count &&
      hashes.length === count * HASH_BYTES
    return isWhole ? { count, hashes } : { count: 0, hashes: Buffer.alloc(0) }
  }
}
