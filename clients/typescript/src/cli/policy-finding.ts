/** Something to show at a line of a file. */
export interface Finding {
  level: 'error' | 'warning' | 'note'
  /** What kind of thing it is: the code of a load problem, the id of a rule. */
  code: string
  message: string
  /** The file as the person would open it; line and column count from 1. */
  place: { file: string; line: number; column?: number }
}
