/** `entity-tag`, RFC 9110 §8.8.3: a comma in quotes is a part of the tag. */
const ENTITY_TAG = /(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")/
/** `#entity-tag`, where a recipient has to take empty elements too (§5.6.1.2). */
const LIST = new RegExp(
  `^[ \\t,]*${ENTITY_TAG.source}(?:[ \\t]*,[ \\t,]*${ENTITY_TAG.source})*[ \\t,]*$`,
)

/**
 * Whether who asks has what there is, RFC 9110 §13.1.2: `*`, or a list with this tag, compared weakly (§8.8.3.2). A
 * value that is neither says nothing.
 *
 * @param field the value of If-None-Match, attacker-controlled; of several fields the values joined by commas
 * @param tag the strong tag of what there is, in its quotes
 */
export function isHeld(field: string | undefined, tag: string): boolean {
  if (field === undefined) return false
  if (field.trim() === '*') return true
  if (!LIST.test(field)) return false
  return [...field.matchAll(new RegExp(ENTITY_TAG, 'g'))].some(([, opaque]) => opaque === tag)
}
