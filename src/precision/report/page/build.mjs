/**
 * Bundles the report's page (this folder and the charting library) into one script, which is put into
 * every report with the style sheet; see `html.ts`. `npm run build` runs this.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url))
const folder = path('../../../../dist/precision/report/page')

const { output } = await build({
  configFile: false,
  root: path('.'),
  logLevel: 'warn',
  define: { 'process.env.NODE_ENV': '"production"' },
  build: {
    write: false,
    target: 'es2022',
    modulePreload: false,
    rolldownOptions: { input: path('main.ts') },
  },
})
const script = output.find(({ type }) => type === 'chunk').code

/** The licences ask that their texts go along with what is made of the libraries. */
const require = createRequire(import.meta.url)
const licences = [
  'echarts/LICENSE',
  'echarts/NOTICE',
  'echarts/licenses/LICENSE-d3',
  'zrender/LICENSE',
].map((file) => `${file}\n\n${readFileSync(require.resolve(file), 'utf8').replaceAll('*/', '* /')}`)

/** Within a `<script>` element this is where it would end. */
const inElement = (code) => code.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--')

mkdirSync(folder, { recursive: true })
writeFileSync(`${folder}/page.js`, inElement(`/*\n${licences.join('\n')}\n*/\n${script}`))
copyFileSync(path('style.css'), `${folder}/page.css`)
