/** Which calls a profile counts, with figures worked out by hand, and that it leaves nothing behind. */
import { beforeEach, describe, expect, test } from 'vitest'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import { type Profiled, profile } from '../../src/bench/profile.ts'
import {
  attention,
  type OperatorCall,
  type OperatorName,
  reshape,
  scope,
  tensor,
} from '../../src/ops/index.ts'
import { arena } from '../../src/tensor/tensor.ts'

/** Has a kernel for attention, which gives the values back; counts what it executes. */
class FusedBackend extends ReferenceBackend {
  readonly executed: OperatorName[] = []

  constructor(readonly fuses: boolean) {
    super()
  }

  override supports(...[operator, inputs, attributes]: Parameters<ReferenceBackend['supports']>) {
    if (operator === 'attention') return this.fuses || 'it does not fuse'
    return super.supports(operator, inputs, attributes)
  }

  override execute(call: OperatorCall): void {
    this.executed.push(call.operator)
    const { operator, inputs, output } = call
    if (operator !== 'attention') super.execute(call)
    else super.execute({ operator: 'contiguous', inputs: [inputs[2]], attributes: {}, output })
  }
}

/** Two layers of nothing but attention: one text of 3 rows, 2 heads of 2 columns. */
function modelOn(backend: FusedBackend): Profiled {
  return {
    backend,
    encode: () => ({ inputIds: [0, 5, 2], truncated: false, untruncatedLength: 3 }),
    forward: async () => {
      arena(() => {
        const x = tensor(backend, 'float32', [12], new Float32Array(12))
        const rows = reshape(x, [3, 4])
        for (const layer of [0, 1]) {
          scope(`encoder.layer.${layer}.self`, () =>
            attention(rows, rows, rows, undefined, { numHeads: 2, lengths: [3] }),
          )
        }
        return undefined
      })
      return []
    },
  }
}

const rounds = 2

describe.each([true, false])('attention fused: %s', (fuses) => {
  let backend: FusedBackend
  beforeEach(() => {
    backend = new FusedBackend(fuses)
  })

  test('each call that a device executes counts once; layers count as one', async () => {
    const report = await profile(modelOn(backend), ['a'], rounds)
    expect(report).toMatchObject({ texts: 1, tokens: 3 })
    const found = Object.fromEntries(
      report.byOperator.map(({ operator, calls, flops, bytes }) => [
        operator,
        { calls, flops, bytes },
      ]),
    )
    // Products: for each of 2 heads 3 × 3 × 2 multiply-adds. float32 has 4 bytes.
    const product = 2 * 2 * (3 * 3 * 2)
    const [rows, scores] = [3 * 4 * 4, 2 * 3 * 3 * 4]
    if (fuses) {
      // By the catalogue 12 operations for each score of its softmax.
      const flops = 2 * (2 * product + 12 * 2 * 3 * 3)
      expect(found).toEqual({ attention: { calls: 2, flops, bytes: 2 * 4 * rows } })
    } else {
      expect(found['attention > matmul']).toEqual({
        calls: 4,
        flops: 4 * product,
        bytes: 4 * (2 * rows + scores),
      })
      expect(found['attention > softmax']).toMatchObject({ calls: 2, bytes: 2 * 2 * scores })
      expect(found).not.toHaveProperty('attention')
    }
    expect(new Set(report.byModule.map(({ module }) => module))).toEqual(
      new Set(['encoder.layer.*.self']),
    )
    const calls = report.byOperator.reduce((sum, one) => sum + one.calls, 0)
    // Once to see the calls; then as a whole and one by one, in a round to warm up and in two.
    expect(backend.executed).toHaveLength(calls * (1 + 2 * (1 + rounds)))
  })

  test('nothing stays behind, also where the device fails', async () => {
    await profile(modelOn(backend), ['a'], rounds)
    expect(backend.heldBytes).toBe(0)
    const good = modelOn(backend)
    const failing = {
      ...good,
      forward: async () => {
        await good.forward([])
        throw new Error('lost')
      },
    }
    await expect(profile(failing, ['a'], rounds)).rejects.toThrow('lost')
    expect(backend.heldBytes).toBe(0)
  })
})
