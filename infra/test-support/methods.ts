/** The names of an object's methods, inherited ones too, in alphabetical order. */
export function methodsOf(object: object): string[] {
  const names = new Set<string>()
  for (let at = Object.getPrototypeOf(object); at !== Object.prototype; ) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name)
    at = Object.getPrototypeOf(at)
  }
  names.delete('constructor')
  return [...names].sort()
}
