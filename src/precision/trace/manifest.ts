/**
 * manifest.json: what a trace holds, in words and numbers. The tensors' elements are beside it, in
 * tensors.safetensors or one .npy file each. docs/tracing.md describes the fields for other programs.
 */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { FileError } from '../../errors.ts'
import { operatorNames } from '../../ops/index.ts'
import { dtypeNames } from '../../tensor/dtype.ts'

export const manifestName = 'manifest.json'
export const tensorsName = 'tensors.safetensors'

/** How the elements are kept; `statistics` for not at all. */
const traceFormats = ['safetensors', 'npy', 'statistics'] as const
export type TraceFormat = (typeof traceFormats)[number]

const count = z.int().nonnegative()
const figure = z.number().nullable()
const statistics = z.strictObject({
  count,
  nan: count,
  positiveInfinity: count,
  negativeInfinity: count,
  zeros: count,
  min: figure,
  max: figure,
  mean: figure,
  std: figure,
})

const tensor = z.strictObject({
  name: z.string(),
  dtype: z.enum(dtypeNames as [(typeof dtypeNames)[number]]),
  shape: z.array(count),
  statistics,
  /** A weight of the model, under the checkpoint's key. */
  isParameter: z.boolean(),
})

const operatorName = z.enum(operatorNames as [(typeof operatorNames)[number]])

const operator = z.strictObject({
  id: z.string(),
  operator: operatorName,
  scope: z.string(),
  /** The composite operator that it is a part of. */
  within: operatorName.optional(),
  attributes: z.record(z.string(), z.union([z.number(), z.string(), z.array(z.number())])),
  /** Names of tensors. One that is not among `tensors` is a parameter, by its key in the checkpoint. */
  inputs: z.array(z.strictObject({ input: z.string(), tensor: z.string() })),
  output: z.string(),
})

const module = z.strictObject({
  scope: z.string(),
  inputs: z.array(z.string()),
  output: z.string(),
})

const schema = z.strictObject({
  format: z.literal('roberta-ascend trace'),
  version: z.literal(1),
  tensorFormat: z.enum(traceFormats),
  model: z.strictObject({ name: z.string(), layers: count }),
  device: z.strictObject({
    name: z.string(),
    /** An emulator says so here; its results are not those of the device that it stands for. */
    label: z.string().optional(),
    dtype: z.string(),
    settings: z.record(z.string(), z.string()),
  }),
  environment: z.record(z.string(), z.string()),
  /** How the texts lie in the rows of hidden states. */
  layout: z.enum(['packed', 'padded']),
  texts: z.array(z.strictObject({ text: z.string(), inputIds: z.array(count) })),
  /** The id of the operator whose output was not finite; nothing after it was recorded. */
  stoppedAt: z.string().optional(),
  tensors: z.array(tensor),
  /** In order of execution, as all lists here. */
  operators: z.array(operator),
  modules: z.array(module),
})

export type Manifest = z.infer<typeof schema>
export type TensorRecord = Manifest['tensors'][number]
export type OperatorRecord = Manifest['operators'][number]
export type ModuleRecord = Manifest['modules'][number]

/** The manifest in a file; undefined where there is none. Throws `FileError` if it is not valid. */
export async function readManifest(path: string): Promise<Manifest | undefined> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw new FileError(path, `cannot be read (${cause.message})`, { cause })
  })
  if (text === undefined) return undefined
  const parsed = schema.safeParse(parse(path, text))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new FileError(path, `${issue?.path.join('.') || 'it'}: ${issue?.message}`, {
    hint: 'record the trace again',
  })
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new FileError(path, `is not valid JSON: ${(cause as Error).message}`, {
      hint: 'record the trace again',
      cause,
    })
  }
}
