/**
 * Names in a trace.
 *
 * - A module's output has the module's path, as PyTorch hooks know it: `roberta.encoder.layer.0.output`.
 * - A tensor of an operator or a module's input follows behind a slash, which no path contains:
 *   `roberta.encoder.layer.0.attention.self/attention>softmax#0/output`.
 * - A parameter has the checkpoint's key.
 */
import type { OperatorName } from '../../ops/index.ts'

/** The operator's module, its name, what it is part of, and which of the same it is, from 0 on. */
export function operatorId(
  scope: string,
  operator: OperatorName,
  within: OperatorName | undefined,
  occurrence: number,
): string {
  return `${scope}/${within === undefined ? '' : `${within}>`}${operator}#${occurrence}`
}

/** The module that a tensor belongs to. */
export function scopeOf(name: string): string {
  return name.split('/', 1)[0]!
}

/**
 * The path of a tensor's .npy file in its trace: the name, a folder for each slash. What not every file
 * system takes, or what would lead elsewhere, is percent-encoded.
 */
export function npyPath(name: string): string {
  const parts = name
    .split('/')
    .map((part) =>
      part
        .replace(/[^\w.#-]/g, (character) => encodeURIComponent(character))
        .replace(/^\.+/, (dots) => dots.replaceAll('.', '%2E')),
    )
  return `${parts.join('/')}.npy`
}
