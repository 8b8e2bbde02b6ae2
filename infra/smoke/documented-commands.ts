import { Failure } from '../failure.ts'

/** The text of the `sh` blocks below a heading of a Markdown text, in order. */
export function shellBlocks(markdown: string, heading: string): string[] {
  const [, chapter] = markdown.split(new RegExp(`^## ${heading}$`, 'm'))
  if (chapter === undefined) throw new Failure(`There is no heading "${heading}".`)
  const text = chapter.split(/^## /m)[0] as string
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block as string)
}
