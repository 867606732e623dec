/** The embedded model, and the logits that PyTorch has of the golden texts: in float64, float32 and 16 bits. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const read = (relative: string): unknown =>
  JSON.parse(readFileSync(new URL(relative, import.meta.url), 'utf8'))

export const weights = fileURLToPath(
  new URL('../../weights/roberta-tiny-go_emotions', import.meta.url),
)
export const { cases } = read('../fixtures/roberta-tiny-golden.json') as {
  cases: { input_ids: number[]; logits64: number[]; logits32: number[] }[]
}
export const { pytorch } = read('../golden/embedded-model.json') as {
  pytorch: Record<'float16' | 'bfloat16' | 'bfloat16_native', number[][]>
}
