/** Kernels that move elements and keep every bit. */

/**
 * Copies between two strided views of up to four axes: a unit is a row, all indices but the last.
 * Sizes of the last three axes; strides of source and target, in elements.
 */
function copy<T>(
  begin: i32,
  end: i32,
  source: usize,
  target: usize,
  size1: i32,
  size2: i32,
  size3: i32,
  from0: i32,
  from1: i32,
  from2: i32,
  from3: i32,
  to0: i32,
  to1: i32,
  to2: i32,
  to3: i32,
): void {
  const itemsize = <i32>sizeof<T>()
  const isRun = from3 === 1 && to3 === 1
  for (let row = begin; row < end; row++) {
    const i2 = row % size2
    const i1 = (row / size2) % size1
    const i0 = row / size2 / size1
    let from = source + <usize>((i0 * from0 + i1 * from1 + i2 * from2) * itemsize)
    let to = target + <usize>((i0 * to0 + i1 * to1 + i2 * to2) * itemsize)
    if (isRun) {
      memory.copy(to, from, <usize>(size3 * itemsize))
      continue
    }
    for (let i3 = 0; i3 < size3; i3++) {
      store<T>(to, load<T>(from))
      from += <usize>(from3 * itemsize)
      to += <usize>(to3 * itemsize)
    }
  }
}

export function copy1(
  begin: i32,
  end: i32,
  source: usize,
  target: usize,
  size1: i32,
  size2: i32,
  size3: i32,
  from0: i32,
  from1: i32,
  from2: i32,
  from3: i32,
  to0: i32,
  to1: i32,
  to2: i32,
  to3: i32,
): void {
  copy<u8>(
    begin,
    end,
    source,
    target,
    size1,
    size2,
    size3,
    from0,
    from1,
    from2,
    from3,
    to0,
    to1,
    to2,
    to3,
  )
}

export function copy2(
  begin: i32,
  end: i32,
  source: usize,
  target: usize,
  size1: i32,
  size2: i32,
  size3: i32,
  from0: i32,
  from1: i32,
  from2: i32,
  from3: i32,
  to0: i32,
  to1: i32,
  to2: i32,
  to3: i32,
): void {
  copy<u16>(
    begin,
    end,
    source,
    target,
    size1,
    size2,
    size3,
    from0,
    from1,
    from2,
    from3,
    to0,
    to1,
    to2,
    to3,
  )
}

export function copy4(
  begin: i32,
  end: i32,
  source: usize,
  target: usize,
  size1: i32,
  size2: i32,
  size3: i32,
  from0: i32,
  from1: i32,
  from2: i32,
  from3: i32,
  to0: i32,
  to1: i32,
  to2: i32,
  to3: i32,
): void {
  copy<u32>(
    begin,
    end,
    source,
    target,
    size1,
    size2,
    size3,
    from0,
    from1,
    from2,
    from3,
    to0,
    to1,
    to2,
    to3,
  )
}

export function copy8(
  begin: i32,
  end: i32,
  source: usize,
  target: usize,
  size1: i32,
  size2: i32,
  size3: i32,
  from0: i32,
  from1: i32,
  from2: i32,
  from3: i32,
  to0: i32,
  to1: i32,
  to2: i32,
  to3: i32,
): void {
  copy<u64>(
    begin,
    end,
    source,
    target,
    size1,
    size2,
    size3,
    from0,
    from1,
    from2,
    from3,
    to0,
    to1,
    to2,
    to3,
  )
}

/**
 * Slices of `bytes` bytes, picked by `count` indices out of `size` of them, for each of several leading
 * indices; a unit is one slice. `wide` is 1 for int64 indices, 0 for int32. Gives 0, or 1 + the unit
 * whose index is out of range.
 */
export function gather(
  begin: i32,
  end: i32,
  source: usize,
  indices: usize,
  wide: i32,
  size: i32,
  count: i32,
  bytes: i32,
  output: usize,
): i32 {
  for (let unit = begin; unit < end; unit++) {
    const lead = unit / count
    const at = <usize>(unit % count)
    const index = wide ? load<i64>(indices + (at << 3)) : <i64>load<i32>(indices + (at << 2))
    if (index < 0 || index >= <i64>size) return unit + 1
    const from = (<usize>lead * size + <usize>index) * bytes
    memory.copy(output + <usize>unit * bytes, source + from, bytes)
  }
  return 0
}
