/** Runs a piece of a test without root's right to read everything. */

/** As nobody (65534) if this process is root, else as it is. The process has to run the test alone. */
export async function unprivileged<T>(body: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return body()
  process.seteuid?.(65534)
  try {
    return await body()
  } finally {
    process.seteuid?.(0)
  }
}
