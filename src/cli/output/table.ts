/**
 * The table for a pipe: one line per text, `text<TAB>label score<TAB>label score…`, best first.
 *
 * Tabs and line ends within texts and labels are escaped (`\t`, `\n`, `\xNN`, `\uNNNN`), and so is the
 * backslash (`\\`), so every line can be cut at its tabs. Scores have three decimals; JSON has them
 * all. The table for a terminal is in `terminal.ts`.
 */
import { escapeControls, formatScore } from './display.ts'
import { Sink } from './sink.ts'
import { type OutputStream, type ResultWriter, shownLabels, type WriterOptions } from './writer.ts'

export function tableWriter(output: OutputStream, options: WriterOptions): ResultWriter {
  const sink = new Sink(output)
  return {
    write: async ({ record }) => {
      const cells = shownLabels(record, options).map(
        ({ label, score }) => `${escapeCell(label)} ${formatScore(score)}`,
      )
      await sink.write(`${[escapeCell(record.text), ...cells].join('\t')}\n`)
    },
    end: async () => {},
  }
}

function escapeCell(text: string): string {
  return escapeControls(text.replaceAll('\\', '\\\\'))
}
