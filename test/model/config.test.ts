import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ConfigError, maxTokens, parseConfig } from '../../src/model/config.ts'

const embedded = JSON.parse(
  readFileSync(
    new URL('../../weights/roberta-tiny-go_emotions/config.json', import.meta.url),
    'utf8',
  ),
) as Record<string, unknown>

const parse = (changes: Record<string, unknown>) => parseConfig({ ...embedded, ...changes }, 'c')

test('reads the embedded model’s config.json', () => {
  const config = parse({})
  expect(config.hidden_size).toBe(320)
  expect(config.head).toBe('sigmoid')
  expect(config.labels).toHaveLength(28)
  expect(config.labels[17]).toBe('joy')
  expect(maxTokens(config)).toBe(128)
})

test('takes the defaults of Hugging Face’s RobertaConfig', () => {
  const config = parse({
    layer_norm_eps: undefined,
    type_vocab_size: undefined,
    hidden_act: undefined,
    pad_token_id: undefined,
  })
  expect(config).toMatchObject({
    layer_norm_eps: 1e-12,
    type_vocab_size: 2,
    hidden_act: 'gelu',
    pad_token_id: 1,
  })
})

// As transformers' text-classification pipeline decides.
test.each([
  { problem_type: 'single_label_classification', labels: 3, head: 'softmax' },
  { problem_type: 'multi_label_classification', labels: 3, head: 'sigmoid' },
  { problem_type: null, labels: 3, head: 'softmax' },
  { problem_type: undefined, labels: 1, head: 'sigmoid' },
])(
  'problem_type $problem_type with $labels labels is a $head',
  ({ problem_type, labels, head }) => {
    const id2label = Object.fromEntries(Array.from({ length: labels }, (_, i) => [i, `label ${i}`]))
    expect(parse({ problem_type, id2label }).head).toBe(head)
  },
)

test('names labels as transformers does where config.json does not', () => {
  expect(parse({ id2label: undefined, num_labels: 3 }).labels).toEqual([
    'LABEL_0',
    'LABEL_1',
    'LABEL_2',
  ])
  expect(parse({ id2label: undefined }).labels).toHaveLength(2)
})

test.each([
  ['model_type', 'bert'],
  ['model_type', undefined],
  ['architectures', ['RobertaForMaskedLM']],
  ['hidden_act', 'relu'],
  ['position_embedding_type', 'relative_key'],
  ['is_decoder', true],
  ['add_cross_attention', true],
  ['quantization_config', { bits: 4 }],
  ['problem_type', 'regression'],
  ['hidden_size', undefined],
  ['hidden_size', '320'],
  ['hidden_size', -1],
  ['num_attention_heads', 7],
  ['num_hidden_layers', 1.5],
  ['layer_norm_eps', 'small'],
  ['pad_token_id', 8000],
  ['max_position_embeddings', 3],
  ['id2label', {}],
  ['id2label', { 0: 'a', 2: 'b' }],
] as const)('refuses %s %j by its name', (field, value) => {
  const attempt = () => parse({ [field]: value })
  expect(attempt).toThrow(ConfigError)
  expect(attempt).toThrow(field)
  try {
    attempt()
  } catch (error) {
    expect((error as ConfigError).field).toBe(field)
    expect((error as ConfigError).message).not.toContain('\n')
  }
})

test.each([[null], [[]], ['text'], [7]])('refuses %j for the whole file', (json) => {
  expect(() => parseConfig(json, 'c')).toThrow(ConfigError)
})
