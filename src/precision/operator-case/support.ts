/**
 * The support matrix: which device can run which operator in which dtype, and why not. It is asked of
 * the backends, for every sample of the catalogue.
 */
import { openBackend } from '../../backends/open.ts'
import { RobertaAscendError } from '../../errors.ts'
import { type Backend, operatorNames } from '../../ops/index.ts'
import type { Sample } from '../../ops/samples.ts'
import { type DType, dtypeNames } from '../../tensor/dtype.ts'
import { numel } from '../../tensor/shape.ts'
import { type AnyDefinition, definitionOf } from './case.ts'

export interface SupportMatrix {
  readonly devices: readonly DeviceSupport[]
  readonly operators: readonly OperatorSupport[]
}

export interface DeviceSupport {
  readonly device: string
  /** Why it cannot be asked here; missing where it can. */
  readonly reason?: string
}

export interface OperatorSupport {
  readonly operator: string
  readonly dtype: DType
  /** In the order of the devices. */
  readonly support: readonly Support[]
}

/**
 * - kernel: the device has one;
 * - parts: it has none and needs none, since the operator is made of others;
 * - view: no element moves, so that no device has anything to do;
 * - some: it takes some samples of the catalogue and not others;
 * - none: it takes none;
 * - refused: the operator is not defined for the dtype;
 * - unknown: the device is not available here.
 */
export interface Support {
  readonly kind: 'kernel' | 'parts' | 'view' | 'some' | 'none' | 'refused' | 'unknown'
  readonly reason?: string
}

/** Opens each device, asks it, and closes it. */
export async function supportMatrix(devices: readonly string[]): Promise<SupportMatrix> {
  const columns: { device: DeviceSupport; cells: Support[] }[] = []
  for (const device of devices) columns.push(await askDevice(device))
  const operators = rows().map(({ definition, dtype }, row) => ({
    operator: definition.name,
    dtype,
    support: columns.map(({ cells }) => cells[row]!),
  }))
  return { devices: columns.map(({ device }) => device), operators }
}

function rows(): { definition: AnyDefinition; dtype: DType }[] {
  return operatorNames
    .map(definitionOf)
    .flatMap((definition) => dtypeNames.map((dtype) => ({ definition, dtype })))
}

async function askDevice(device: string): Promise<{ device: DeviceSupport; cells: Support[] }> {
  let backend: Backend
  try {
    backend = await openBackend(device)
  } catch (error) {
    if (!(error instanceof RobertaAscendError && error.kind === 'environment')) throw error
    return unavailable(device, error.problem)
  }
  try {
    // An emulator in CANN's place says nothing of an NPU.
    if (backend.device !== device) {
      return unavailable(device, `what is installed in its place is the ${backend.device}`)
    }
    const cells = rows().map(({ definition, dtype }) => supportOf(backend, definition, dtype))
    return { device: { device }, cells }
  } finally {
    await backend.close()
  }
}

function unavailable(device: string, reason: string) {
  const unknown: Support = { kind: 'unknown', reason }
  const cells = rows().map(({ definition, dtype }) => refusal(definition, dtype) ?? unknown)
  return { device: { device, reason }, cells }
}

function supportOf(backend: Backend, definition: AnyDefinition, dtype: DType): Support {
  const refused = refusal(definition, dtype)
  if (refused !== undefined) return refused
  if (definition.view !== undefined) return { kind: 'view' }
  const samples = definition.samples(dtype).filter(isExecuted)
  const answers = samples.map(({ inputs, attributes }) =>
    backend.supports(definition.name, inputs, attributes),
  )
  const reason = answers.find((answer) => answer !== true)
  if (reason === undefined) return { kind: 'kernel' }
  if (definition.decompose !== undefined) return { kind: 'parts', reason }
  return { kind: answers.includes(true) ? 'some' : 'none', reason }
}

function refusal({ dtypes }: AnyDefinition, dtype: DType): Support | undefined {
  if (dtypes.includes(dtype)) return undefined
  return { kind: 'refused', reason: `it takes ${dtypes.join(', ')}` }
}

/** Nothing runs where an input is empty. */
function isExecuted({ inputs }: Sample): boolean {
  return inputs.every((input) => input === undefined || numel(input.shape) > 0)
}
