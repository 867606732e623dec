/** The standards by name; see `standard.ts` for what one is. */
import { InvalidArgumentError } from '../../errors.ts'
import { allcloseStandard } from './allclose.ts'
import { msprobeStandard } from './msprobe.ts'
import { readRules } from './rules.ts'
import { failure, type Standard, severities, type Verdict } from './standard.ts'
import { strictStandard } from './strict.ts'
import { threeWayStandard } from './three-way.ts'

export {
  digits,
  type Judged,
  type JudgedClass,
  type Standard,
  type Status,
  type Verdict,
} from './standard.ts'

const standards: readonly Standard[] = [
  threeWayStandard,
  msprobeStandard,
  allcloseStandard,
  strictStandard,
]

export const standardNames: readonly string[] = standards.map(({ name }) => name)

export const defaultStandard = threeWayStandard.name

/**
 * A standard by its name, or the rules in a JSON file by its path, which ends in `.json`. Throws
 * `InvalidArgumentError` for any other name, and `FileError` for a file that holds no rules.
 */
export function standardOf(name: string): Standard {
  const known = standards.find((standard) => standard.name === name)
  if (known !== undefined) return known
  if (name.endsWith('.json')) return readRules(name)
  throw new InvalidArgumentError('standard', `there is no standard '${name}'`, {
    hint: `use ${standardNames.join(', ')}, or the path of a .json file of rules`,
  })
}

/** The worst of several verdicts, the first of those that are equally bad; of none, an error. */
export function worstOf(verdicts: readonly Verdict[]): Verdict {
  const severest = severities.findLast((status) => verdicts.some((v) => v.status === status))
  return (
    verdicts.find(({ status }) => status === severest) ?? {
      standard: 'none',
      ...failure('nothing was compared'),
    }
  )
}
