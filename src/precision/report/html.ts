/**
 * The report as one HTML document: a shell with the page's style, script and data in it.
 *
 * The page builds what is seen from the data, with text nodes only, so that no text of a user is ever
 * read as HTML; what stands in the shell itself is escaped here. The Content-Security-Policy allows
 * the two hashes and nothing else: no request leaves the file.
 */
import { createHash } from 'node:crypto'
import type { ComparisonResult, Side } from '../compare/result.ts'
import { builtPage } from './built.ts'
import { dataBlock } from './data-block.ts'
import { chosenTexts } from './texts.ts'

export function reportHtml(result: ComparisonResult): string {
  const { script, style } = builtPage()
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    // The charting library positions its tooltips and sizes its text with style attributes.
    "style-src-attr 'unsafe-inline'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  const title = `${named(result.device)} against ${named(result.reference)}: ${result.model.name}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<noscript>
<p>The tables and charts of this report need JavaScript.</p>
<p>${escaped(title)}. Verdict: ${result.verdict.status}. ${escaped(result.verdict.rule)}</p>
</noscript>
<script type="text/plain" id="result">${dataBlock(chosenTexts(result))}</script>
<script type="module">${script}</script>
</body>
</html>
`
}

function named({ device, dtype }: Side): string {
  return `${device} ${dtype}`
}

function hashOf(content: string): string {
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!)
}
