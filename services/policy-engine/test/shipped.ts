import { readdirSync, readFileSync } from 'node:fs'
import type { PolicyFile } from '../src/load/load-policies.ts'

const ROOT = new URL('../../../policies/', import.meta.url)

/** The files of `policies/` and of each pack, with their folder's name. */
export function shippedSets(): { folder: string; files: PolicyFile[] }[] {
  const packs = readdirSync(new URL('packs/', ROOT), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `packs/${name}/`)
  return ['', ...packs].map((folder) => ({
    folder: `policies/${folder}`,
    files: readdirSync(new URL(folder, ROOT))
      .filter((name) => name.endsWith('.yml'))
      .map((name) => ({
        name,
        content: readFileSync(new URL(`${folder}${name}`, ROOT), 'utf8'),
      })),
  }))
}
