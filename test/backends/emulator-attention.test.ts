/**
 * Fused attention of the NPU backend, on the emulator, over both FFI bindings: each function of aclnn
 * against the oracle and within a model, and where it does not fit, that attention is decomposed.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { NpuBackend } from '../../src/backends/npu/npu-backend.ts'
import { forwardLogits } from '../../src/model/forward.ts'
import { loadModel } from '../../src/model/load-model.ts'
import type { TensorSpec } from '../../src/ops/backend.ts'
import { attention, tensor } from '../../src/ops/index.ts'
import { cases, pytorch, weights } from '../support/embedded-golden.ts'
import { controls, forEachBinding, onEmulator, openEmulator } from '../support/emulator.ts'
import { expectAsCloseAsPyTorch } from '../support/logit-distance.ts'
import { definitionOf, operatorTests } from '../support/operator-suite.ts'

const theirs = {
  float32: [cases.map(({ logits32 }) => logits32)],
  float16: [pytorch.float16],
  bfloat16: [pytorch.bfloat16, pytorch.bfloat16_native],
} as const

const training = 'aclnnFlashAttentionScore'
const prompt = 'aclnnPromptFlashAttentionV3'
const inference = 'aclnnFusedInferAttentionScoreV3'
const functions = [training, prompt, inference] as const

/** How often each of them was enqueued. */
const launches = () => functions.map((name) => controls.report().calls[name] ?? 0)

describe('what fused attention takes', () => {
  const query = (dtype: TensorSpec['dtype'], hidden: number): TensorSpec => ({
    dtype,
    shape: [hidden, hidden],
  })
  const limits = [
    [[], 'float16', 64, 4, [2, 2], /no fused function is asked for/],
    [[training], 'float32', 64, 4, [2, 2], true],
    [[training], 'float16', 64, 4, [2, 3], 'aclnnFlashAttentionScore takes texts of one length'],
    [[training], 'float16', 514, 257, [2], /at most 256 heads/],
    [[training], 'float16', 1540, 2, [2], /heads of at most 768 columns/],
    [[prompt], 'float32', 64, 4, [2, 2], /takes float16 and bfloat16/],
    [[prompt], 'bfloat16', 66, 2, [2, 2], true],
    [[prompt], 'bfloat16', 66, 2, new Array(129).fill(2), /at most 128 texts/],
    [[prompt], 'bfloat16', 64, 2, new Array(129).fill(2), true],
    [[prompt], 'bfloat16', 1040, 2, [2], /heads of at most 512 columns/],
    [[prompt], 'bfloat16', 65536, 256, [2], /fewer than 65535 columns/],
    [[inference], 'float16', 66, 2, [2, 2], /columns are a multiple of 16/],
    [[inference], 'float16', 64, 2, [1, 1], /two rows or more/],
    [[inference, prompt], 'float16', 66, 2, [1, 1], true],
    [[inference, prompt], 'float32', 64, 2, [2], /V3 takes float16 and bfloat16; aclnnPrompt/],
  ] as const
  it.each(limits)(
    '%j: %s, %i columns, %i heads',
    (aclnn, dtype, hidden, numHeads, lengths, answer) =>
      onEmulator(
        async (backend) => {
          const supported = backend.supports('attention', [query(dtype, hidden)], {
            numHeads,
            lengths,
          })
          if (answer instanceof RegExp) expect(supported).toMatch(answer)
          else expect(supported).toBe(answer)
        },
        { aclnn },
      ),
  )
})

forEachBinding((binding) => {
  const expectNoViolation = () => expect(controls.report().violations).toEqual([])
  beforeEach(() => controls.reset())
  afterEach(expectNoViolation)

  describe.each(functions)('attention with %s', (name) => {
    let backend: NpuBackend
    beforeAll(() => {
      backend = openEmulator({ aclnn: [name] })
    })
    afterAll(async () => {
      await backend.close()
      expectNoViolation()
    })
    operatorTests(definitionOf('attention'), () => backend)
  })

  it('a fused forward is replayed in as many launches, and no axis is moved', () =>
    onEmulator(
      async (backend) => {
        const model = await loadModel(weights, {
          backend,
          dtype: 'float16',
          warn: expect.unreachable,
        })
        const sequences = cases.slice(0, 4).map(({ input_ids }) => input_ids)
        await forwardLogits(model, backend, sequences)
        controls.reset()
        await forwardLogits(model, backend, sequences)
        const { calls } = controls.report()
        expect(calls.aclnnMatmul ?? 0).toBe(0)
        // Each layer's mask.
        expect(calls.aclnnInplaceCopy).toBe(calls[inference])
        expect(
          Object.keys(calls).filter(
            (name) => /GetWorkspaceSize|Create/.test(name) && calls[name]! > 0,
          ),
        ).toEqual([])
        for (const parameter of model.parameters) parameter.dispose()
      },
      { aclnn: [inference], graphs: false },
    ))

  it('graphs of fused attention and of weights in the NZ format give the bits of what they captured', () =>
    onEmulator(
      async (backend) => {
        const options = { backend, dtype: 'float16', warn: expect.unreachable } as const
        const model = await loadModel(weights, options)
        const run = (first: number) => {
          const some = cases.slice(first, first + 2).map(({ input_ids }) => input_ids)
          return forwardLogits(model, backend, some)
        }
        const recorded = await run(8)
        expect(await run(8)).toEqual(recorded)
        // Other texts of the same shape in between.
        await run(10)
        controls.reset()
        expect(await run(8)).toEqual(recorded)
        expect(launches()).toEqual([0, 0, 0])
        expect(controls.report().calls).toMatchObject({ aclmdlRIExecuteAsync: 1 })
        expect(backend.settings.graphs).toBe('on')
        for (const parameter of model.parameters) parameter.dispose()
      },
      { aclnn: [training, 'aclnnMatmulWeightNz'] },
    ))

  it.each(['aclCreateTensorList', `${inference}GetWorkspaceSize`, inference])(
    'a failing %s leaves nothing behind',
    (failing) =>
      onEmulator(
        async (backend) => {
          using x = tensor(backend, 'float16', [2, 16], new Uint16Array(32))
          const compute = () => attention(x, x, x, undefined, { numHeads: 1, lengths: [2] })
          controls.failCall(failing, 1n, 507899)
          expect(compute).toThrow(expect.objectContaining({ functionName: failing }))
          using y = compute()
          expect([...(await y.numbers())]).toEqual(new Array(32).fill(0))
        },
        { aclnn: [inference] },
      ),
  )

  // A call through ffi-napi takes ten times longer.
  if (binding !== 'koffi') return
  describe('the embedded model', () => {
    const batch = cases.slice(8, 16)
    const inputIds = batch.map(({ input_ids }) => input_ids)
    const some = (rows: readonly (readonly number[][])[]) => rows.map((all) => all.slice(8, 16))
    it.each([
      [training, 'float32', 'padded', [4, 0, 0]],
      [training, 'float16', 'padded', [4, 0, 0]],
      [training, 'bfloat16', 'padded', [4, 0, 0]],
      [prompt, 'float32', 'padded', [0, 0, 0]],
      [prompt, 'float16', 'padded', [0, 4, 0]],
      [prompt, 'bfloat16', 'padded', [0, 4, 0]],
      [inference, 'float16', 'padded', [0, 0, 4]],
      [inference, 'bfloat16', 'padded', [0, 0, 4]],
      [training, 'float16', 'packed', [0, 0, 0]],
    ] as const)(
      'with %s in %s, %s, is as close to float64 as PyTorch',
      (name, dtype, layout, counts) =>
        onEmulator(
          async (backend) => {
            const model = await loadModel(weights, { backend, dtype, warn: expect.unreachable })
            const rows: Float64Array[] = []
            // The second forward of the same texts replays the first.
            for (const _ of [1, 2])
              rows.splice(0, 8, ...(await forwardLogits(model, backend, inputIds, layout)))
            expect(launches()).toEqual(counts)
            const truth = batch.map(({ logits64 }) => logits64)
            expectAsCloseAsPyTorch(`${name}, ${dtype}, ${layout}`, rows, truth, some(theirs[dtype]))
            for (const parameter of model.parameters) parameter.dispose()
          },
          { aclnn: [name] },
        ),
    )
  })
})
