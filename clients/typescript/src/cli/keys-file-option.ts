/** Where a checkout of this project has its keys; the gateway looks there too unless it is told another place. */
const OF_THE_CHECKOUT = 'infra/api-keys/api-keys.json'

export const FILE_OPTION = [
  '--file <path>',
  `the file of keys; default API_KEYS_PATH, then ${OF_THE_CHECKOUT}`,
] as const

/** The file of keys that a command works on. */
export function keyFileOf({ file }: { file?: string }): string {
  return file || process.env.API_KEYS_PATH || OF_THE_CHECKOUT
}
