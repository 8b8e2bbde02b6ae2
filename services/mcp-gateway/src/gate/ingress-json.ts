declare global {
  interface JSON {
    /** https://tc39.es/proposal-json-parse-with-source/ */
    rawJSON(text: string): object
  }
}

/** Sixteen digits in a row, which every integer beyond 2^53−1 has. */
const MAY_BE_LARGE = /[0-9]{16}/

/**
 * A value as JSON text that our services accept. `JSON.stringify` prints 1e20 as an integer of 21 digits, and strict
 * JSON refuses integers beyond 2^53−1 because another reader might round them: here it is `1e+20`, the same number.
 */
export function ingressJson(value: unknown): string {
  const text = JSON.stringify(value)
  if (!MAY_BE_LARGE.test(text)) return text
  return JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'number' && Number.isInteger(member) && !Number.isSafeInteger(member)
      ? JSON.rawJSON(member.toExponential())
      : member,
  )
}
