/**
 * Data as JSON within an HTML document, and back. JSON has no NaN and no infinities, and a `<script>`
 * element ends at the first `</script>` whatever it stands in.
 *
 * Numbers are kept to nine significant digits, as many as tell float32 values apart; cosines in full,
 * since what counts is how far they are from 1.
 */

/** What stands for a number that JSON does not have. */
interface Named {
  readonly $number: string
}

export function encode(data: unknown): string {
  const json = JSON.stringify(data, (key, value: unknown) => {
    if (typeof value !== 'number') return value
    if (!Number.isFinite(value)) return { $number: String(value) } satisfies Named
    return /cosine$/i.test(key) ? value : Number(value.toPrecision(9))
  })
  return json.replaceAll('<', '\\u003c')
}

export function decode(json: string): unknown {
  return JSON.parse(json, (_, value: unknown) => (isNamed(value) ? Number(value.$number) : value))
}

function isNamed(value: unknown): value is Named {
  return typeof value === 'object' && value !== null && '$number' in value
}
