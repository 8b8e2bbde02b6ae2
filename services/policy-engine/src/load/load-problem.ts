import { closest } from '@ai-governance/common/suggest'

/** Every code a load problem can carry; README.md says what each one means. */
export type LoadCode =
  | 'ambiguous_number'
  | 'ambiguous_word'
  | 'bad_character'
  | 'bad_date'
  | 'bad_name'
  | 'bad_range'
  | 'conflicting_keys'
  | 'duplicate_case'
  | 'duplicate_factor'
  | 'duplicate_file'
  | 'duplicate_key'
  | 'duplicate_policy_name'
  | 'duplicate_rule_id'
  | 'empty_list'
  | 'input_conflict'
  | 'look_alike'
  | 'missing_key'
  | 'missing_points'
  | 'no_policy'
  | 'no_risk_matrix'
  | 'no_tests'
  | 'nothing_to_unset'
  | 'operator_type_mismatch'
  | 'reserved_word'
  | 'risk_never_denies'
  | 'rule_never_matches'
  | 'rule_not_waivable'
  | 'threshold_unused'
  | 'too_deep'
  | 'too_large'
  | 'too_many_keys'
  | 'undeclared_field'
  | 'unknown_file_kind'
  | 'unknown_key'
  | 'unknown_rule'
  | 'unknown_threshold'
  | 'unknown_value'
  | 'unverified_aibom_field'
  | 'value_not_in_enum'
  | 'value_out_of_range'
  | 'waiver_never_matches'
  | 'wrong_type'
  | 'yaml_feature'
  | 'yaml_syntax'

/** A place in a file; line and column count from 1, columns in UTF-16 units as editors do. */
export interface Place {
  readonly line: number
  readonly column: number
}

export interface LoadProblem extends Place {
  readonly file: string
  readonly code: LoadCode
  readonly message: string
}

/** What a person may have meant: the word they wrote and the words that would have been right. */
export interface Suggestion {
  readonly written: string
  readonly known: Iterable<string>
}

/** Notes one problem of the file it was made for. */
export type Report = (
  at: Place,
  code: LoadCode,
  message: string,
  suggestion?: Suggestion | undefined,
) => void

/**
 * A hostile file of 256 KiB can hold some hundred thousand mistakes. Nobody reads past the first
 * hundred, and the search for suggestions, which costs some 10 ms in a long list, is run for fewer.
 */
const MAX_PROBLEMS_PER_FILE = 100
const MAX_SUGGESTIONS_PER_FILE = 25

/** Makes a `Report` that adds the problems of `file` to `problems`, the first hundred of them. */
export function reporter(file: string, problems: LoadProblem[]): Report {
  let count = 0
  let searches = 0
  return (at, code, message, suggestion) => {
    count += 1
    if (count > MAX_PROBLEMS_PER_FILE) return
    if (suggestion) searches += 1
    const meant =
      suggestion && searches <= MAX_SUGGESTIONS_PER_FILE
        ? closest(suggestion.written, suggestion.known)
        : undefined
    const text = meant === undefined ? message : `${message}; did you mean "${meant}"?`
    problems.push({ file, line: at.line, column: at.column, code, message: text })
  }
}

/** Prints a problem as `file:line:column CODE message`, on one line. */
export function formatLoadProblem(problem: Omit<LoadProblem, 'code'> & { code: string }): string {
  const { file, line, column, code, message } = problem
  return `${file}:${line}:${column} ${code} ${message.replaceAll(/\s+/g, ' ')}`
}
