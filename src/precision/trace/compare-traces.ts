/**
 * Compares two traces offline, tensor by tensor of the same name.
 *
 * The contract with the command `compare --device-trace DIR --reference-trace DIR`: it opens both with
 * `openTrace`, calls `compareTraces`, prints the comparison, and exits with 1 if the verdict's status is
 * `error`. Everything that makes a trace incomparable as a whole (other texts, no elements) is thrown as
 * `InvalidArgumentError`, whose `argument` is `device-trace` or `reference-trace`.
 *
 * It fails closed: a name that only one trace has, or shapes that differ once padding is dropped, make
 * the verdict an error, as does a trace with nothing in it. Between packed and padded traces indices and
 * masks have to differ; they are left out by name, and the token ids are compared instead.
 */
import { InvalidArgumentError } from '../../errors.ts'
import type { OperatorName } from '../../ops/index.ts'
import { type DType, isDType, isFloatDType } from '../../tensor/dtype.ts'
import { type Shape, sameShape } from '../../tensor/shape.ts'
import { layerOf } from '../compare/scope.ts'
import { compareElements, type TensorComparison } from '../compare-tensors.ts'
import {
  defaultStandard,
  type Standard,
  standardOf,
  type Verdict,
  worstOf,
} from '../standards/index.ts'
import { scopeOf } from './names.ts'
import type { Trace, TracedTensor } from './trace.ts'

export interface TracedComparison extends TensorComparison {
  readonly name: string
  /** The module's path. */
  readonly scope: string
  readonly layer: number | undefined
  /** What computed it; undefined for modules and what goes in. */
  readonly operator: OperatorName | undefined
}

export interface TraceComparison {
  /** The worst of all; an error also where anything could not be compared. */
  readonly verdict: Verdict
  readonly standard: string
  /** In the order of the device's trace. */
  readonly tensors: readonly TracedComparison[]
  /** The name of the first whose verdict is not a pass. */
  readonly firstDivergent: string | undefined
  readonly onlyDevice: readonly string[]
  readonly onlyReference: readonly string[]
  /** Indices and masks, which say where rows are, if that is not the same in both traces. */
  readonly leftOut: readonly string[]
  /** Same name, but other shapes. */
  readonly misshaped: readonly {
    readonly name: string
    readonly device: Shape
    readonly reference: Shape
  }[]
}

export interface CompareTracesOptions {
  readonly standard?: string | Standard | undefined
}

/**
 * Compares what a device computed with a reference, both traced. Rows of padding are left out on both
 * sides. Two tensors are in memory at a time.
 *
 * @throws InvalidArgumentError for an unknown standard, and traces of other texts or without elements
 * @throws FileError if a tensor cannot be read
 */
export async function compareTraces(
  device: Trace,
  reference: Trace,
  options: CompareTracesOptions = {},
): Promise<TraceComparison> {
  const { standard = defaultStandard } = options
  const judge = typeof standard === 'string' ? standardOf(standard) : standard
  checkElements(device, 'device-trace')
  checkElements(reference, 'reference-trace')
  checkTexts(device, reference)
  const operators = new Map(device.operators.map(({ output, operator }) => [output, operator]))
  const tensors: TracedComparison[] = []
  const misshaped: { name: string; device: Shape; reference: Shape }[] = []
  const isLeftOut = device.manifest?.layout === reference.manifest?.layout ? () => false : isExact
  for (const ours of inOrder(device, reference)) {
    if (isLeftOut(ours)) continue
    const { name } = ours
    const theirs = reference.tensors.get(name)!
    const [shape, expectedShape] = [shapeOf(device, ours), shapeOf(reference, theirs)]
    if (!sameShape(shape, expectedShape)) {
      misshaped.push({ name, device: shape, reference: expectedShape })
      continue
    }
    const comparison = compareElements(
      await valuesOf(device, ours),
      await valuesOf(reference, theirs),
      {
        standard: judge,
        dtype: comparableDType(ours),
        shape,
        errorClass: isExact(ours) ? 'movement' : 'accumulated',
      },
    )
    const scope = scopeOf(name)
    tensors.push({
      name,
      scope,
      layer: layerOf(scope),
      operator: operators.get(name),
      ...comparison,
    })
  }
  const onlyDevice = namesMissing(device, reference, isLeftOut)
  const onlyReference = namesMissing(reference, device, isLeftOut)
  const leftOut = [...device.tensors.values(), ...reference.tensors.values()].filter(isLeftOut)
  const faults = [
    fault('names that only the device’s trace has', onlyDevice),
    fault('names that only the reference’s trace has', onlyReference),
    fault(
      'tensors whose shapes differ',
      misshaped.map(({ name }) => name),
    ),
  ].filter((verdict) => verdict !== undefined)
  return {
    verdict: worstOf([
      ...faults,
      ...tensors.map(({ name, verdict }) => ({ ...verdict, rule: `${name}: ${verdict.rule}` })),
    ]),
    standard: judge.name,
    tensors,
    firstDivergent: tensors.find(({ verdict }) => verdict.status !== 'pass')?.name,
    onlyDevice,
    onlyReference,
    leftOut: [...new Set(leftOut.map(({ name }) => name))],
    misshaped,
  }

  function fault(what: string, names: readonly string[]): Verdict | undefined {
    if (names.length === 0) return undefined
    return {
      status: 'error',
      standard: judge.name,
      rule: `${what}: ${names.length}, the first is ${names[0]}`,
      allowed: 0,
      needed: names.length,
    }
  }
}

/** What both have, as the trace that knows the order of execution has it. */
function inOrder(device: Trace, reference: Trace): TracedTensor[] {
  const ordered = device.manifest === undefined ? reference : device
  return [...ordered.tensors.keys()].flatMap((name) => {
    const ours = device.tensors.get(name)
    return ours !== undefined && reference.tensors.has(name) ? [ours] : []
  })
}

function namesMissing(
  from: Trace,
  other: Trace,
  isLeftOut: (tensor: TracedTensor) => boolean,
): string[] {
  return [...from.tensors.values()]
    .filter((tensor) => !isLeftOut(tensor) && !other.tensors.has(tensor.name))
    .map(({ name }) => name)
}

function shapeOf({ rows }: Trace, { shape, isParameter }: TracedTensor): Shape {
  return rows === undefined || isParameter ? shape : rows.shapeOf(shape)
}

async function valuesOf(
  trace: Trace,
  { name, shape, isParameter }: TracedTensor,
): Promise<Float64Array> {
  const values = await trace.numbers(name)
  return trace.rows === undefined || isParameter ? values : trace.rows.of({ shape, values }).values
}

/** The dtype whose spacing errors are measured in; float64, which we do not compute in, counts as float32. */
function comparableDType({ dtype }: TracedTensor): DType {
  return isDType(dtype) ? dtype : 'float32'
}

/** Ids and masks are the same or are not. */
function isExact({ dtype }: TracedTensor): boolean {
  return isDType(dtype) && !isFloatDType(dtype)
}

function checkElements(trace: Trace, argument: string): void {
  if (trace.hasElements) return
  throw new InvalidArgumentError(argument, `${trace.path} holds statistics only`, {
    hint: 'record it with full tensors',
  })
}

function checkTexts({ inputIds: ours }: Trace, { inputIds: theirs, path }: Trace): void {
  if (ours === undefined || theirs === undefined) return
  const isSame =
    ours.length === theirs.length && ours.every((ids, text) => sameShape(ids, theirs[text]!))
  if (isSame) return
  throw new InvalidArgumentError('reference-trace', `${path} is of other texts than the device’s`, {
    hint: 'trace the same texts, in the same order, with the same tokenizer',
  })
}
