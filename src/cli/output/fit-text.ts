/** Text that takes no more than its share of a terminal line, wide characters and emoji included. */
import stringWidth from 'string-width'
import { escapeControls } from './display.ts'

const graphemes = new Intl.Segmenter()

/** Escapes a text and cuts it to `width` columns, with the ellipsis where something is missing. */
export function fitText(text: string, width: number, ellipsis: string): string {
  let shown = ''
  let columns = 0
  // Where to cut, should the text turn out too wide. A text can be far longer than a line, so no
  // more of it is looked at than fits.
  let cut = ''
  for (const { segment } of graphemes.segment(text)) {
    const safe = escapeControls(segment)
    columns += stringWidth(safe)
    if (columns > width) return cut + ellipsis.slice(0, Math.max(0, width))
    shown += safe
    if (columns <= width - ellipsis.length) cut = shown
  }
  return shown
}
