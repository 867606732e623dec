/** Finds a Python with numpy, for the tests whose checkpoints are made by a Python script. */
import { spawnSync } from 'node:child_process'

const candidates = [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter(
  (name) => name !== undefined,
)

/** The interpreter, or undefined. */
export const pythonWithNumpy = candidates.find(
  (name) => spawnSync(name, ['-c', 'import numpy'], { stdio: 'ignore' }).status === 0,
)
