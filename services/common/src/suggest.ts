/** Longer words are never suggested for: the distance costs the product of both lengths. */
const MAX_WORD = 40
/** Nor is a longer list searched: a mistake in a huge list is not worth seconds. */
const MAX_KNOWN = 500

/**
 * The word of `known` that `written` was most likely meant to be, or undefined if none is near:
 * at most one edit for every three letters, a swap of neighbours counting as one edit.
 */
export function closest(written: string, known: Iterable<string>): string | undefined {
  if (written.length > MAX_WORD) return undefined
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(written.length / 3)) + 1
  let searched = 0
  for (const word of known) {
    searched += 1
    if (searched > MAX_KNOWN) break
    if (Math.abs(word.length - written.length) >= bestDistance) continue
    const distance = editDistance(written.toLowerCase(), word.toLowerCase())
    if (distance < bestDistance) {
      best = word
      bestDistance = distance
    }
  }
  return best
}

/** Optimal string alignment distance: insert, delete, replace, or swap two neighbours. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const replace = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      let cost = Math.min(replace, last[j]! + 1, row[j - 1]! + 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) cost = Math.min(cost, beforeLast[j - 2]! + 1)
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}
