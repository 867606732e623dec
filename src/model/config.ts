/**
 * config.json of a RoBERTa sequence classifier: read, checked, and refused by the name of the field
 * where it asks for something that this implementation does not compute.
 *
 * Field names and defaults are those of Hugging Face's RobertaConfig. To support another value of a
 * field, widen it here and let the model act on it.
 */
import { z } from 'zod'
import { type ErrorOptions, FileError } from '../errors.ts'
import type { GeluForm } from '../ops/index.ts'

/** A field of config.json is missing, malformed, or asks for something unsupported. */
export class ConfigError extends FileError {
  constructor(
    path: string,
    /** The field, for example `hidden_act`. */
    readonly field: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(path, `${field} ${problem}`, options)
  }
}

/** The form of GELU that each supported `hidden_act` means. */
export const geluForms = {
  gelu: 'none',
  gelu_new: 'tanh',
  gelu_pytorch_tanh: 'tanh',
  quick_gelu: 'sigmoid',
} as const satisfies Record<string, GeluForm>

const size = z.int().positive()

const schema = z.object({
  model_type: z.literal('roberta'),
  architectures: z.array(z.string()).nullish(),
  vocab_size: size,
  hidden_size: size,
  // Far beyond any published model; what is made for each layer should not exhaust the memory.
  num_hidden_layers: size.max(1000),
  num_attention_heads: size,
  intermediate_size: size,
  max_position_embeddings: size,
  hidden_act: z.enum(Object.keys(geluForms) as (keyof typeof geluForms)[]).default('gelu'),
  type_vocab_size: size.default(2),
  layer_norm_eps: z.number().positive().default(1e-12),
  pad_token_id: z.int().nonnegative().default(1),
  position_embedding_type: z.literal('absolute').nullish(),
  is_decoder: z.literal(false).nullish(),
  add_cross_attention: z.literal(false).nullish(),
  quantization_config: z.undefined().nullish(),
  problem_type: z.enum(['multi_label_classification', 'single_label_classification']).nullish(),
  id2label: z.record(z.string(), z.string()).nullish(),
  num_labels: size.nullish(),
})

export interface RobertaConfig
  extends Omit<
    z.infer<typeof schema>,
    'problem_type' | 'id2label' | 'num_labels' | 'architectures'
  > {
  /** What turns logits into scores: an independent sigmoid for each label, or one softmax. */
  readonly head: 'sigmoid' | 'softmax'
  /** The name of each label, by id. */
  readonly labels: readonly string[]
}

/** Checks the content of a config.json; `path` is for messages. */
export function parseConfig(json: unknown, path: string): RobertaConfig {
  const result = schema.safeParse(json)
  if (!result.success) {
    const issue = result.error.issues[0]!
    const field = issue.path.join('.') || 'the file'
    const value = issue.path.reduce<unknown>(
      (object, key) => (object as Record<PropertyKey, unknown>)?.[key],
      json,
    )
    throw new ConfigError(
      path,
      field,
      value === undefined ? 'is missing' : `is ${brief(value)}: ${describe(issue)}`,
    )
  }
  const { problem_type, id2label, num_labels, architectures, ...config } = result.data
  const refuse = (field: string, problem: string): never => {
    throw new ConfigError(path, field, problem)
  }
  if (architectures != null && !architectures.includes('RobertaForSequenceClassification')) {
    refuse('architectures', `is ${brief(architectures)}, not RobertaForSequenceClassification`)
  }
  if (config.hidden_size % config.num_attention_heads !== 0) {
    refuse(
      'num_attention_heads',
      `is ${config.num_attention_heads}, which does not divide hidden_size ${config.hidden_size}`,
    )
  }
  if (config.pad_token_id >= config.vocab_size) {
    refuse('pad_token_id', `is ${config.pad_token_id}, outside of vocab_size ${config.vocab_size}`)
  }
  if (config.max_position_embeddings < config.pad_token_id + 3) {
    refuse(
      'max_position_embeddings',
      `is ${config.max_position_embeddings}, too small for <s> and </s>: positions begin at pad_token_id + 1`,
    )
  }
  const labels = labelNames(id2label, num_labels, refuse)
  // As transformers' text-classification pipeline decides when problem_type is not set.
  const isMultiLabel =
    problem_type == null ? labels.length === 1 : problem_type === 'multi_label_classification'
  return { ...config, labels, head: isMultiLabel ? 'sigmoid' : 'softmax' }
}

/** The longest text in tokens, `<s>` and `</s>` included: RoBERTa's positions begin after the padding id. */
export function maxTokens(config: RobertaConfig): number {
  return config.max_position_embeddings - config.pad_token_id - 1
}

function labelNames(
  id2label: Readonly<Record<string, string>> | null | undefined,
  count: number | null | undefined,
  refuse: (field: string, problem: string) => never,
): string[] {
  // transformers names labels LABEL_0, LABEL_1, … and assumes two of them where nothing is said.
  if (id2label == null) return Array.from({ length: count ?? 2 }, (_, id) => `LABEL_${id}`)
  const { length } = Object.keys(id2label)
  if (length === 0) refuse('id2label', 'has no labels')
  return Array.from(
    { length },
    (_, id) => id2label[id] ?? refuse('id2label', `has ${length} labels but none with id ${id}`),
  )
}

function brief(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `only ${issue.values.join(', ')} is supported`
  if (issue.path[0] === 'quantization_config') return 'quantized checkpoints are not supported'
  return issue.message.replace(/^Invalid input: /, '')
}
