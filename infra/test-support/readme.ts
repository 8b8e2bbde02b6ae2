import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface CurlCommand {
  url: string
  /** What `-d` sends; without it the command is a GET. */
  body: string | undefined
}

/**
 * The curl commands in the `sh` blocks of a Markdown text, as far as this project uses curl: a URL, and
 * a body by `-d 'text'` or `-d @file` (relative to `folder`).
 */
export function curlCommands(markdown: string, folder: string): CurlCommand[] {
  const blocks = [...markdown.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(
    (match) => match[1] as string,
  )
  return blocks.flatMap((block) =>
    block
      .replaceAll('\\\n', ' ')
      .split(/^(?=curl )|^#.*$/m)
      .filter((text) => text.startsWith('curl '))
      .map((text) => {
        const url = /'?(http:\/\/[^\s']+)'?/.exec(text)?.[1] as string
        const given = /-d (?:@(\S+)|'([^']*)')/.exec(text)
        const body = given?.[1] ? readFileSync(join(folder, given[1]), 'utf8') : given?.[2]
        return { url, body }
      }),
  )
}
