/**
 * The settings of a case as they are written on the command line: by the name of the option, without
 * its dashes. What they mean is in `case.ts`; here they are swept over, and written down again as the
 * command that repeats a case.
 */
import { InvalidArgumentError } from '../../errors.ts'
import { catalogue, type OperatorDefinition, operatorNames } from '../../ops/index.ts'

/** An option that may be given several times has a list. */
export type Settings = Readonly<Record<string, string | readonly string[]>>

/** Options of the command that some attribute has the name of. */
const taken: readonly string[] = ['dtype', 'shape']

/** The option that sets an attribute: `num-heads` for `numHeads`, `to-dtype` for the `dtype` of cast. */
export function optionOf(attribute: string): string {
  const name = attribute.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  return taken.includes(name) ? `to-${name}` : name
}

/** Every attribute of the catalogue once, by its option, with what it means for which operator. */
export function attributeOptions(): { option: string; summary: string }[] {
  const summaries = new Map<string, string[]>()
  for (const name of operatorNames) {
    const { attributes }: Pick<OperatorDefinition, 'attributes'> = catalogue[name]
    for (const [attribute, { summary }] of Object.entries(attributes)) {
      const option = optionOf(attribute)
      summaries.set(option, [...(summaries.get(option) ?? []), `${name}: ${summary}`])
    }
  }
  return [...summaries].map(([option, lines]) => ({ option, summary: lines.join('; ') }))
}

/**
 * Every combination of the values in `NAME=VALUE` entries; several entries of one name are the values
 * that it takes, and the name given last changes fastest. Without entries, the settings as they are.
 */
export function sweep(
  settings: Settings,
  entries: readonly string[],
  names: readonly string[],
): Settings[] {
  const axes = new Map<string, string[]>()
  for (const entry of entries) {
    const [name = '', ...rest] = entry.split('=')
    if (rest.length === 0 || !names.includes(name)) {
      throw new InvalidArgumentError('--sweep', `'${entry}' is not NAME=VALUE with a known name`, {
        hint: `names are ${names.join(', ')}`,
      })
    }
    axes.set(name, [...(axes.get(name) ?? []), rest.join('=')])
  }
  return [...axes].reduce(
    (combinations, [name, values]) =>
      combinations.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [settings],
  )
}

/** The command that runs a case again. */
export function commandOf(operator: string, settings: Settings): string {
  const options = Object.entries(settings).flatMap(([name, value]) =>
    [value].flat().flatMap((one) => [`--${name}`, quoted(one)]),
  )
  return ['roberta-ascend op', operator, ...options].join(' ')
}

/** As a POSIX shell takes it for one word. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
