/** Results as JSON, which has no NaN and no infinities: they become the strings that JavaScript has. */
export function toJson(result: object): string {
  const text = JSON.stringify(
    result,
    (_, value: unknown) =>
      typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
    2,
  )
  return `${text}\n`
}
