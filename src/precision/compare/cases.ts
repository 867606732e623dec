/** Inputs of single calls: as they are, in the common precision, and written down to run the call again. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { rawTensor } from '../../checkpoint/convert.ts'
import { fileOperation } from '../../checkpoint/safetensors/io.ts'
import { writeSafetensors } from '../../checkpoint/safetensors/writer.ts'
import type { HostTensor } from '../../ops/index.ts'
import { isFloatDType } from '../../tensor/dtype.ts'
import { type Player, toHost } from './replay.ts'
import type { Call, Tape } from './tape.ts'

/** What `call` reads, weights too, in the order of the operator's schema. */
export async function inputsOf(
  call: Call,
  tape: Tape,
  { parameters, precision }: Player,
): Promise<(HostTensor | undefined)[]> {
  return Promise.all(
    call.inputs.map(async (source) => {
      if (source === undefined) return undefined
      const tensor =
        source.kind === 'parameter' ? parameters.get(source.name)! : tape.tensorOf(source)
      const { dtype, shape, data } = await toHost(tensor)
      const to = isFloatDType(dtype) ? precision.dtype : dtype
      return { dtype: to, shape, data: precision.convert(data, dtype, to) }
    }),
  )
}

/** Where the inputs of a call were written: for each `NAME=FILE#TENSOR`, as the command `op` reads it. */
export type SavedInputs = readonly string[]

/** Writes the inputs of a call to a file of their own in `directory`, which is made if it is not there. */
export async function saveCase(
  directory: string,
  batch: number,
  call: Call,
  tape: Tape,
  player: Player,
): Promise<SavedInputs> {
  const inputs = await inputsOf(call, tape, player)
  const path = join(directory, `batch-${batch}-${call.id.replaceAll(/[^\w.-]+/g, '-')}.safetensors`)
  const schemas = call.definition.inputs
  const named = inputs.flatMap((input, position) => {
    if (input === undefined) return []
    const { name } = schemas[0]?.variadic === true ? schemas[0] : schemas[position]!
    return [{ name, tensor: `${position}.${name}`, input }]
  })
  await fileOperation(directory, mkdir(directory, { recursive: true }))
  await writeSafetensors(
    path,
    named.map(({ tensor, input: { dtype, shape, data } }) => ({
      name: tensor,
      ...rawTensor(dtype, shape, data),
    })),
  )
  return named.map(({ name, tensor }) => `${name}=${path}#${tensor}`)
}
