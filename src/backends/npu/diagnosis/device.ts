/** One device: what it is, its memory, and whether a product of small matrices comes out right. */
import { RobertaAscendError } from '../../../errors.ts'
import type { Cann } from '../../../ffi/open-cann.ts'
import type { Backend } from '../../../ops/backend.ts'
import { matmul, tensor } from '../../../ops/index.ts'
import { isEmulator } from '../../device-name.ts'
import { NpuBackend } from '../npu-backend.ts'
import { buildCommand, isEmulatorVersion } from '../open-npu.ts'
import type { DeviceInfo } from '../runtime.ts'
import { type Check, type Facts, ok, problemOf } from './check.ts'

/** Odd sizes, so that the edges of the matrix unit's blocks take part. */
const [rows, inner, columns] = [17, 33, 9]

/** Integers from -3 to 3: their sums of products are exact in any precision a matrix unit has. */
function smallIntegers(length: number, step: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => ((i * step) % 7) - 3)
}

class WrongResultError extends RobertaAscendError {
  override readonly kind = 'device'
}

/** Multiplies through the ordinary path and compares every element with the exact product. */
async function smokeMatmul(backend: Backend): Promise<void> {
  const a = smallIntegers(rows * inner, 5)
  const b = smallIntegers(inner * columns, 3)
  using left = tensor(backend, 'float32', [rows, inner], a)
  using right = tensor(backend, 'float32', [inner, columns], b)
  using product = matmul(left, right)
  const values = await product.numbers()
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let exact = 0
      for (let k = 0; k < inner; k++) exact += a[i * inner + k]! * b[k * columns + j]!
      const value = values[i * columns + j]
      if (value === exact) continue
      const hint = isEmulator(backend.device)
        ? `unset ASCEND_EMULATOR_ARITHMETIC, and build it anew with \`${buildCommand}\``
        : 'check with `npu-smi info` that the device is healthy, and that driver, firmware and CANN fit together'
      const reason = `matmul is wrong: element ${i}, ${j} is ${value}, not ${exact}`
      throw new WrongResultError(reason, { hint })
    }
  }
}

function describeInfo({ socName, freeBytes, totalBytes }: DeviceInfo): string {
  const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(1)
  const memory =
    totalBytes === 0 ? 'memory unknown' : `${gib(freeBytes)} of ${gib(totalBytes)} GiB free`
  return `${socName ?? 'SoC unknown'}, ${memory}`
}

export async function examineDevice(name: string, cann: Cann, id: number): Promise<Check> {
  const device = isEmulatorVersion(cann.version) ? 'emulator' : `npu:${id}`
  let facts: Facts = { id }
  let summary = ''
  try {
    const backend = new NpuBackend(cann, { device, id })
    try {
      const info = backend.info()
      facts = { ...facts, ...info }
      summary = describeInfo(info)
      await smokeMatmul(backend)
    } catch (error) {
      // What has failed already fails again on closing.
      await backend.close().catch(() => {})
      throw error
    }
    await backend.close()
  } catch (error) {
    const check = problemOf(name, error, { ...facts, matmul: 'failed' })
    return summary === '' ? check : { ...check, summary: `${summary}; ${check.summary}` }
  }
  return ok(name, `${summary}, matmul right`, { ...facts, matmul: 'right' })
}
