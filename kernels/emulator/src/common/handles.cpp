// The list of tables, and the numbers handles are.
#include "handles.h"

#include <atomic>

namespace emulator {
namespace {

std::vector<AnyHandleTable *> &tables() {
  static auto &list = *new std::vector<AnyHandleTable *>;
  return list;
}

}  // namespace

// Tables are made while the libraries load, one after the other: no lock.
AnyHandleTable::AnyHandleTable(const char *kind) : kind(kind) { tables().push_back(this); }

const std::vector<AnyHandleTable *> &AnyHandleTable::all() { return tables(); }

// 16 TiB: a part of the address space where neither programs nor the sanitizers' shadow put anything on
// x86_64 or aarch64; below 2^53, so that a handle survives a trip through a JavaScript number.
uintptr_t AnyHandleTable::nextHandle() {
  static std::atomic<uintptr_t> next{uintptr_t{1} << 44};
  return next.fetch_add(16);
}

}  // namespace emulator
