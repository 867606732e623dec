/** Which texts a report shows: all of few, of many those that differ most. */
import type { ComparisonResult, TextComparison } from '../compare/result.ts'

/** More than anybody reads; each takes a kilobyte with its 28 probabilities on both sides. */
const mostTexts = 500

/** What the page reads: a result whose texts may be fewer than were compared. */
export type ReportData = ComparisonResult & { readonly textsCompared: number }

/** Texts with flips come first, then those with the largest error of a logit. */
export function chosenTexts(result: ComparisonResult): ReportData {
  const textsCompared = result.texts.length
  if (textsCompared <= mostTexts) return { ...result, textsCompared }
  const flipped = new Set(result.agreement.flips.map(({ text }) => text))
  const rank = ({ index, maxLogitError }: TextComparison): number =>
    flipped.has(index) || Number.isNaN(maxLogitError) ? Number.MAX_VALUE : maxLogitError
  const texts = [...result.texts].sort((a, b) => rank(b) - rank(a)).slice(0, mostTexts)
  return { ...result, textsCompared, texts: texts.sort((a, b) => a.index - b.index) }
}
