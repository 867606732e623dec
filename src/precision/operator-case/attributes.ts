/** Attributes of an operator as the command line has them, read by their schemas. */
import { InvalidArgumentError } from '../../errors.ts'
import type { AttributeSchema, AttributeValue, OperatorDefinition } from '../../ops/index.ts'
import { attributeOptions, optionOf, type Settings } from './settings.ts'

/** Those that are given. Throws `InvalidArgumentError` for one that the operator does not have. */
export function attributesOf(
  definition: Pick<OperatorDefinition, 'name' | 'attributes'>,
  settings: Settings,
): Record<string, AttributeValue> {
  const own = Object.keys(definition.attributes).map(optionOf)
  const foreign = attributeOptions().find(({ option }) => settings[option] && !own.includes(option))
  if (foreign !== undefined) {
    throw new InvalidArgumentError(
      `--${foreign.option}`,
      `${definition.name} has no such attribute`,
      {
        hint:
          own.length === 0 ? 'it has none' : `it has ${own.map((name) => `--${name}`).join(', ')}`,
      },
    )
  }
  const result: Record<string, AttributeValue> = {}
  for (const [name, schema] of Object.entries(definition.attributes)) {
    const text = settings[optionOf(name)]
    if (typeof text === 'string') result[name] = parseAttribute(optionOf(name), schema, text)
  }
  return result
}

function parseAttribute(option: string, { type }: AttributeSchema, text: string): AttributeValue {
  if (type === 'choice') return text
  const numbers = (type === 'integers' ? text.split(/[x,]/) : [text]).map((item) =>
    item.trim() === '' ? Number.NaN : Number(item),
  )
  if (numbers.some(Number.isNaN)) {
    throw new InvalidArgumentError(
      `--${option}`,
      `'${text}' is not ${type === 'integers' ? 'a list of numbers' : 'a number'}`,
    )
  }
  return type === 'integers' ? numbers : numbers[0]!
}

/** The attributes that only the reference has, `NAME=VALUE` each, as settings. */
export function againstOf({ against = [] }: Settings): Settings {
  const names = attributeOptions().map((attribute) => attribute.option)
  return Object.fromEntries(
    [against].flat().map((entry) => {
      const [name = '', ...rest] = entry.split('=')
      if (names.includes(name) && rest.length > 0) return [name, rest.join('=')]
      throw new InvalidArgumentError(
        '--against',
        `'${entry}' is not NAME=VALUE with an attribute's name`,
        {
          hint: 'for example --against approximate=tanh',
        },
      )
    }),
  )
}
