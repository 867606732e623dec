/** The elements of a cast that involves integers or bool, in the worker: rare, so plain TypeScript. */
import {
  codecs,
  type DType,
  dtypeNames,
  dtypes,
  type HostArray,
  hostArrayOver,
  isFloatDType,
} from '../../../tensor/dtype.ts'
import { oddNumber } from '../../../tensor/float-bits.ts'
import { block } from '../kernel-names.ts'

/** Dense `count` elements at `source` to another dtype at `target`; a unit is a block of elements. */
export function castElements(
  memory: ArrayBufferLike,
  begin: number,
  end: number,
  ...[source, from, target, to, count]: number[]
): undefined {
  const first = begin * block
  const length = Math.min(end * block, count!) - first
  const at = (address: number, dtype: DType): HostArray =>
    hostArrayOver(dtype, memory, address + first * dtypes[dtype].itemsize, length)
  const [fromDType, toDType] = [dtypeNames[from!]!, dtypeNames[to!]!]
  const [input, output] = [at(source!, fromDType), at(target!, toDType)]
  const read = fromDType === 'int64' ? int64Reader(toDType) : codecs[fromDType].decode
  const { encode } = codecs[toDType]
  for (let i = 0; i < length; i++) encode(output, i, read(input, i))
  return undefined
}

/** Numbers that give the right result in the target dtype: float64 does not hold every int64. */
function int64Reader(to: DType): (array: HostArray, index: number) => number {
  const element = (array: HostArray, index: number) => (array as BigInt64Array)[index]!
  if (isFloatDType(to)) return (array, index) => oddNumber(element(array, index))
  if (to === 'bool') return (array, index) => (element(array, index) === 0n ? 0 : 1)
  return (array, index) => Number(BigInt.asIntN(32, element(array, index)))
}
