/**
 * One operator alone: its inputs as elements on the host, and its attributes. Made from settings as
 * the command line has them.
 */
import { InvalidArgumentError } from '../../errors.ts'
import {
  type Attributes,
  catalogue,
  type HostTensor,
  type InputSchema,
  type OperatorDefinition,
  type OperatorName,
  operatorNames,
} from '../../ops/index.ts'
import {
  type Fill,
  type Sample,
  type SampleLayout,
  sampleData,
  sampleLayouts,
  type TensorSample,
} from '../../ops/samples.ts'
import { type DType, isDType, isFloatDType } from '../../tensor/dtype.ts'
import { numel, type Shape } from '../../tensor/shape.ts'
import { againstOf, attributesOf } from './attributes.ts'
import { readInput } from './files.ts'
import { everyNumber, parseFill } from './fill.ts'
import type { Settings } from './settings.ts'

export type AnyDefinition = OperatorDefinition<Attributes, OperatorName>

export interface CaseInput extends HostTensor {
  readonly name: string
  readonly layout: SampleLayout
  /** Where the elements come from: a fill, or a file. */
  readonly source: string
}

export interface OperatorCase {
  readonly definition: AnyDefinition
  /** In the order of the operator's schema. */
  readonly inputs: readonly (CaseInput | undefined)[]
  readonly attributes: Attributes
  /** What the reference computes instead; the same, unless the question is what a difference does. */
  readonly against: Attributes
}

/** The entry of the catalogue. Throws `InvalidArgumentError` for a name that is not in it. */
export function definitionOf(operator: string): AnyDefinition {
  if (Object.hasOwn(catalogue, operator)) return catalogue[operator as OperatorName]
  throw new InvalidArgumentError('operator', `there is no operator '${operator}'`, {
    hint: `operators are ${operatorNames.join(', ')}`,
  })
}

/**
 * The case that settings describe. Inputs come from `input` (files), from `shape` and `fill`
 * (generated), or, without either, from a sample of the catalogue, the first or the one that `sample`
 * names by its number. Throws `InvalidArgumentError` for what makes no sense, and `FileError`.
 */
export async function caseOf(operator: string, settings: Settings): Promise<OperatorCase> {
  const definition = definitionOf(operator)
  const files = filesOf(definition, [settings.input ?? []].flat())
  const isGenerated = settings.shape !== undefined || settings.fill !== undefined || files.size > 0
  if (settings.sample !== undefined && isGenerated) {
    throw new InvalidArgumentError('--sample', 'brings its own inputs', {
      hint: 'leave out --shape, --fill and --input',
    })
  }
  const attributes = attributesOf(definition, settings)
  const changed = attributesOf(definition, againstOf(settings))
  if (isGenerated) {
    const inputs = await inputsOf(definition, settings, files)
    return { definition, inputs, attributes, against: { ...attributes, ...changed } }
  }
  const dtype = dtypeOf(definition, settings)
  const sample = sampleOf(definition, dtype, settings)
  const own = { ...sample.attributes, ...attributes }
  const inputs = sampleInputs(definition, sample, settings)
  return { definition, inputs, attributes: own, against: { ...own, ...changed } }
}

/** Where the number of a seed goes: each input has numbers of its own. */
function seedOf({ seed = '1' }: Settings, position: number): number {
  return wholeNumber('--seed', seed) + position
}

function wholeNumber(option: string, text: string | readonly string[]): number {
  if (typeof text === 'string' && /^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError(option, `'${text}' is not a whole number from 0 on`)
}

function dtypeOf(definition: AnyDefinition, { dtype }: Settings): DType {
  const name = dtype ?? definition.dtypes[0]!
  if (typeof name === 'string' && isDType(name) && definition.dtypes.includes(name)) return name
  throw new InvalidArgumentError('--dtype', `${definition.name} does not take '${name}'`, {
    hint: `use ${definition.dtypes.join(', ')}`,
  })
}

function sampleOf(definition: AnyDefinition, dtype: DType, { sample = '0' }: Settings): Sample {
  const samples = definition.samples(dtype)
  const found = samples[wholeNumber('--sample', sample)]
  if (found !== undefined) return found
  throw new InvalidArgumentError(
    '--sample',
    `${definition.name} has samples 0 to ${samples.length - 1} in ${dtype}, not ${sample}`,
  )
}

export function sampleInputs(
  definition: AnyDefinition,
  { inputs }: Sample,
  settings: Settings,
): (CaseInput | undefined)[] {
  return inputs.map((input, position) => {
    if (input === undefined) return undefined
    const { dtype, shape, layout, fill } = input
    const data = sampleData(input, seedOf(settings, position))
    return {
      name: nameOf(definition, position),
      dtype,
      shape,
      data,
      layout,
      source: sourceOf(fill),
    }
  })
}

function schemaAt(definition: AnyDefinition, position: number): InputSchema | undefined {
  const variadic = definition.inputs[0]?.variadic === true
  return definition.inputs[variadic ? 0 : position]
}

function nameOf(definition: AnyDefinition, position: number): string {
  const { name, variadic } = schemaAt(definition, position)!
  return variadic ? `${name}[${position}]` : name
}

/** `NAME=FILE` entries by the position of the input. */
function filesOf(definition: AnyDefinition, entries: readonly string[]): Map<number, string> {
  const files = new Map<number, string>()
  for (const entry of entries) {
    const [name = '', ...rest] = entry.split('=')
    const position = definition.inputs.findIndex((schema) => schema.name === name)
    if (position < 0 || rest.length === 0) {
      throw new InvalidArgumentError(
        '--input',
        `'${entry}' is not NAME=FILE with an input's name`,
        {
          hint: `${definition.name} has ${definition.inputs.map((schema) => schema.name).join(', ')}`,
        },
      )
    }
    const isVariadic = definition.inputs[position]!.variadic === true
    files.set(isVariadic ? files.size : position, rest.join('='))
  }
  return files
}

async function inputsOf(
  definition: AnyDefinition,
  settings: Settings,
  files: ReadonlyMap<number, string>,
): Promise<(CaseInput | undefined)[]> {
  const dtype = dtypeOf(definition, settings)
  const fills = list(settings.fill)
  const shapes = list(settings.shape).map((text) => (text === '-' ? undefined : parseShape(text)))
  if (settings.shape === undefined && fills.length === 1 && fills[0] === 'every') {
    shapes.push([everyNumber(dtype).length])
  }
  const layout = (settings.layout ?? 'contiguous') as SampleLayout
  if (!sampleLayouts.includes(layout)) {
    throw new InvalidArgumentError('--layout', `there is no layout '${layout}'`, {
      hint: `use ${sampleLayouts.join(', ')}`,
    })
  }
  const count = Math.max(shapes.length, ...[...files.keys()].map((position) => position + 1))
  const inputs: (CaseInput | undefined)[] = []
  for (let position = 0; position < count; position++) {
    const schema = schemaAt(definition, position)
    if (schema === undefined) {
      throw new InvalidArgumentError(
        '--shape',
        `${definition.name} takes ${definition.inputs.length} inputs at most`,
      )
    }
    const name = nameOf(definition, position)
    const file = files.get(position)
    const shape = shapes[position]
    if (file !== undefined) {
      const given = settings.dtype === undefined ? undefined : dtypeFor(definition, position, dtype)
      inputs.push({ name, layout, source: file, ...(await readInput(file, given)) })
    } else if (shape !== undefined) {
      const spec = { dtype: dtypeFor(definition, position, dtype), shape }
      const { fill, source } = fillFor(definition, position, dtype, spec, fills)
      const data = sampleData({ ...spec, fill, layout }, seedOf(settings, position))
      inputs.push({ name, layout, source, ...spec, data })
    } else {
      inputs.push(undefined)
    }
  }
  const missing = definition.inputs.findIndex(
    ({ optional }, position) => optional !== true && inputs[position] === undefined,
  )
  if (missing < 0) return inputs
  throw new InvalidArgumentError(
    '--shape',
    `${definition.name} also needs its input '${definition.inputs[missing]!.name}'`,
    {
      hint: `give a shape for each of ${definition.inputs.map(({ name }) => name).join(', ')}, between commas, or --input NAME=FILE`,
    },
  )
}

function list(setting: string | readonly string[] | undefined): string[] {
  return setting === undefined ? [] : [setting].flat().flatMap((text) => text.split(','))
}

/** `16x3072`; `scalar` for no axes. */
function parseShape(text: string): Shape {
  if (text === 'scalar') return []
  if (/^\d{1,9}(x\d{1,9})*$/.test(text)) return checkSize(text, text.split('x').map(Number))
  throw new InvalidArgumentError('--shape', `'${text}' is not a shape`, {
    hint: 'write 16x3072, several inputs between commas, - for one that is left out, scalar for no axes',
  })
}

/** 1 GiB in float32, four times the embeddings of a large model; a comparison holds several copies. */
const mostElements = 2 ** 28

function checkSize(text: string, shape: Shape): Shape {
  if (numel(shape) <= mostElements) return shape
  throw new InvalidArgumentError('--shape', `${text} has more than ${mostElements} elements`, {
    hint: 'give a smaller one',
  })
}

/** The dtype asked for, where the input takes it; else that of the catalogue's samples. */
function dtypeFor(definition: AnyDefinition, position: number, dtype: DType): DType {
  const { dtypes } = schemaAt(definition, position)!
  const inSample = sampleInputAt(definition, position, dtype)
  return inSample?.dtype ?? (dtypes.includes(dtype) ? dtype : dtypes[0]!)
}

/**
 * What the elements of an input are. One fill is for the inputs of the dtype that was asked for;
 * others, such as masks and indices, then have what the catalogue's samples have.
 */
function fillFor(
  definition: AnyDefinition,
  position: number,
  asked: DType,
  { dtype, shape }: Pick<HostTensor, 'dtype' | 'shape'>,
  fills: readonly string[],
): { fill: Fill; source: string } {
  const text = fills.length > 1 ? fills[position] : fills[0]
  if (dtype !== asked && fills.length < 2) {
    const inSample = sampleInputAt(definition, position, asked)
    if (inSample !== undefined) return { fill: inSample.fill, source: sourceOf(inSample.fill) }
  }
  const source = text ?? (isFloatDType(dtype) ? 'normal' : 'integers:10')
  return { fill: parseFill(source, dtype, numel(shape)), source }
}

function sampleInputAt(
  definition: AnyDefinition,
  position: number,
  dtype: DType,
): TensorSample | undefined {
  return definition.samples(dtype).find(({ inputs }) => inputs[position])?.inputs[position]
}

function sourceOf(fill: Fill): string {
  if (fill.kind === 'normal') return fill.deviation === 1 ? 'normal' : `normal:${fill.deviation}`
  return fill.kind === 'integers' ? `integers:${fill.below}` : 'values of a sample'
}
