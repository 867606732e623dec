/** A model on a backend of the test's own, as one side of a comparison. */
import { expect } from 'vitest'
import { loadModel } from '../../src/model/load-model.ts'
import { embeddedModelDirectory } from '../../src/model/locate.ts'
import type { Backend } from '../../src/ops/index.ts'
import type { Subject } from '../../src/precision/compare/subject.ts'
import type { FloatDType } from '../../src/tensor/dtype.ts'
import { RobertaTokenizer } from '../../src/tokenizer/tokenizer.ts'

export interface OpenSubject extends Subject, AsyncDisposable {}

/** Closing it closes the backend too. */
export async function subjectOn(
  backend: Backend,
  {
    directory = embeddedModelDirectory,
    dtype = 'float32',
    tokenizerOf = directory,
  }: { directory?: string; dtype?: FloatDType; tokenizerOf?: string } = {},
): Promise<OpenSubject> {
  const tokenizer = await RobertaTokenizer.load(tokenizerOf)
  const warn = (message: string): never => expect.fail(message)
  const model = await loadModel(directory, { backend, dtype, warn })
  return {
    name: 'test',
    model,
    backend,
    dtype,
    encode: (text, maxLength) => tokenizer.encode(text, { maxLength: maxLength ?? 128 }),
    [Symbol.asyncDispose]: async () => {
      for (const parameter of model.parameters) parameter.dispose()
      await backend.close()
    },
  }
}
