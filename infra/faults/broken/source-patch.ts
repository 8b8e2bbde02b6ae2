import { registerHooks } from 'node:module'

/**
 * Exchanges a piece of a source file whenever this process loads it. Throws at that moment if the file does not hold
 * the piece exactly once: then the source has changed, and the patch must follow.
 *
 * @param file how the path of the file ends
 */
export function patchSource(file: string, piece: string, other: string): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (!url.endsWith(file)) return loaded
      const parts = String(loaded.source).split(piece)
      if (parts.length !== 2) {
        throw new Error(`${file} does not hold once what infra/faults/broken exchanges: ${piece}`)
      }
      return { ...loaded, source: parts.join(other) }
    },
  })
}
