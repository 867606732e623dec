/**
 * How fast texts become token ids, by themselves: texts and tokens per second of one thread.
 *
 *     npm run build && node bench/tokenization.mjs [MODEL_DIR]
 *
 * Seconds are those that the process had a processor (`process.cpuUsage`), so that others on the machine
 * count for little; V8's own threads count too. The best of several passes is printed, each by a tokenizer that
 * has seen nothing yet. `short` is bench/texts-23.json over and over; `numbered` are the same with a number of
 * its own in each text, so that some word of it is new; `long` is eleven of them in one text.
 */
import { readFileSync } from 'node:fs'

const { embeddedModelDirectory } = await import('../dist/model/locate.js')
const { RobertaTokenizer } = await import('../dist/tokenizer/tokenizer.js')

const [directory = embeddedModelDirectory] = process.argv.slice(2)
const [count, passes] = [5_000, 5]
const texts = JSON.parse(readFileSync(new URL('texts-23.json', import.meta.url), 'utf8'))
const short = (at) => texts[at % texts.length]
const workloads = {
  short,
  numbered: (at) => `${short(at)} ${at * 7919}`,
  long: (at) => Array.from({ length: 11 }, (_, word) => short(at + word * 5)).join(' '),
}

for (const [name, textAt] of Object.entries(workloads)) {
  const given = Array.from({ length: count }, (_, at) => textAt(at))
  let best = Infinity
  let tokens = 0
  for (let pass = 0; pass < passes; pass++) {
    const tokenizer = await RobertaTokenizer.load(directory)
    tokens = 0
    const begin = process.cpuUsage()
    for (const text of given) tokens += tokenizer.encode(text, { maxLength: 512 }).inputIds.length
    const { user, system } = process.cpuUsage(begin)
    best = Math.min(best, (user + system) / 1e6)
  }
  const rate = (number) => Math.round(number / best).toLocaleString('en')
  const each = (tokens / count).toFixed(1)
  console.log(`${name}: ${rate(count)} texts/s, ${rate(tokens)} tokens/s, ${each} tokens a text`)
}
