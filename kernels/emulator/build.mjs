/**
 * Builds the emulator's libraries with cmake: `npm run build:emulator`.
 *
 * With `--if-possible`, as `npm ci` calls it, a machine that cannot build them gets a line that says
 * why, and nothing fails: only the device `emulator` needs them.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('.', import.meta.url))
const build = fileURLToPath(new URL('build', import.meta.url))
const isOptional = process.argv.includes('--if-possible')

function run(command, args) {
  return spawnSync(command, args, { encoding: 'utf8', stdio: isOptional ? 'pipe' : 'inherit' })
}

function giveUp(reason) {
  console.error(`The emulator of Ascend NPUs was not built: ${reason}`)
  console.error('Its device `emulator` is not available until `npm run build:emulator` succeeds.')
  process.exit(isOptional ? 0 : 1)
}

if (spawnSync('cmake', ['--version']).status !== 0) giveUp('there is no cmake.')
const compilers = [process.env.CXX, 'c++', 'g++', 'clang++'].filter(Boolean)
if (!compilers.some((name) => spawnSync(name, ['--version']).status === 0)) {
  giveUp('there is no C++ compiler.')
}
for (const args of [
  ['-S', source, '-B', build, '-DEMULATOR_TESTS=OFF'],
  ['--build', build, '--parallel', '2'],
]) {
  const { status, stdout, stderr } = run('cmake', args)
  if (status === 0) continue
  if (isOptional) console.error(stdout, stderr)
  giveUp(`cmake ${args.join(' ')} failed.`)
}
