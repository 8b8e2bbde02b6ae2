/**
 * What is wrong with the settings that the database is made with, one sentence each, beginning with the
 * variable's name; nothing for what is not set.
 */
export function* postgresFaults(values: ReadonlyMap<string, string>): Generator<string> {
  for (const name of ['POSTGRES_USER', 'POSTGRES_DB']) {
    const value = values.get(name)
    if (value !== undefined && !/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(value)) {
      yield `${name} must be lower-case letters, digits and "_", at most 63, and not begin with a digit or "pg_".`
    }
  }
  const password = values.get('POSTGRES_PASSWORD')
  if (password !== undefined && !/^[\x21-\x7e]{8,200}$/.test(password)) {
    yield 'POSTGRES_PASSWORD must be 8 to 200 visible ASCII characters, or unset to have one made.'
  }
}
