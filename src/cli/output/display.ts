/** Text and numbers as the two tables show them. */

/** Controls (C0, DEL, C1), line ends, marks that reorder text, and halves of surrogate pairs. */
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/gu

/**
 * Makes a text safe for a terminal: whatever could move the cursor, start an escape sequence, end the
 * line or reorder it becomes visible as `\n`, `\t`, `\xNN` or `\uNNNN`.
 */
export function escapeControls(text: string): string {
  return text.replace(unsafe, (character) => {
    if (character === '\n') return '\\n'
    if (character === '\t') return '\\t'
    const code = character.charCodeAt(0)
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

export function formatScore(score: number): string {
  return score.toFixed(3)
}
