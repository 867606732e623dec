/** How strings that come from a file, and may be hostile, stand in the message of an error. */

const longestQuote = 80

/**
 * A string from a file, quoted for a message: shortened, and without characters that would not
 * print as themselves (controls, also those of terminals; direction marks; line separators).
 */
export function quote(text: string): string {
  const shown = text.length > longestQuote ? `${text.slice(0, longestQuote)}…` : text
  return JSON.stringify(shown).replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
}

const mostListed = 5

/** Several strings from a file for a message: the first few quoted, the rest counted. */
export function quoteList(texts: readonly string[]): string {
  const listed = texts.slice(0, mostListed).map(quote).join(', ')
  const rest = texts.length - mostListed
  return rest > 0 ? `${listed} and ${rest} more` : listed
}
