// The list of tables, the numbers handles are, and the objects behind them.
#include "handles.h"

#include <atomic>
#include <cstdio>

namespace emulator {
namespace {

std::vector<AnyHandleTable *> &tables() {
  static auto &list = *new std::vector<AnyHandleTable *>;
  return list;
}

// 16 TiB: a part of the address space where neither programs nor the sanitizers' shadow put anything on
// x86_64 or aarch64; below 2^53, so that a handle survives a trip through a JavaScript number.
uintptr_t nextHandle() {
  static std::atomic<uintptr_t> next{uintptr_t{1} << 44};
  return next.fetch_add(16);
}

uintptr_t numberOf(const void *handle) { return reinterpret_cast<uintptr_t>(handle); }

std::string text(const void *handle) {
  char digits[32];
  snprintf(digits, sizeof digits, "%p", handle);
  return digits;
}

}  // namespace

// Tables are made while the libraries load, one after the other: no lock.
AnyHandleTable::AnyHandleTable(const char *kind, aclError unknownCode) : kind(kind), unknownCode(unknownCode) {
  tables().push_back(this);
}

const std::vector<AnyHandleTable *> &AnyHandleTable::all() { return tables(); }

size_t AnyHandleTable::size() {
  std::lock_guard<std::mutex> lock(mutex);
  return entries.size();
}

void AnyHandleTable::reportLeaks() {
  std::lock_guard<std::mutex> lock(mutex);
  for (auto &entry : entries) reportLeak(entry.second, "was never destroyed");
}

uintptr_t AnyHandleTable::addAny(Pointer object, bool owned) {
  std::lock_guard<std::mutex> lock(mutex);
  const uintptr_t handle = nextHandle();
  entries.emplace(handle, Entry{std::move(object), currentCall(), !owned});
  return handle;
}

AnyHandleTable::Pointer AnyHandleTable::findAny(const void *handle) {
  return takeAny(handle, [](const void *) { return false; });
}

AnyHandleTable::Pointer AnyHandleTable::takeAny(const void *handle, const Predicate &ends) {
  std::lock_guard<std::mutex> lock(mutex);
  const auto found = entries.find(numberOf(handle));
  if (found == entries.end()) return nullptr;
  Pointer object = found->second.object;
  if (ends(object.get())) {
    entries.erase(found);
    noteChange();
  }
  return object;
}

void AnyHandleTable::replaceAny(const void *handle, Pointer object) {
  std::lock_guard<std::mutex> lock(mutex);
  const auto found = entries.find(numberOf(handle));
  if (found != entries.end()) found->second.object.swap(object);
  noteChange();
}

std::vector<AnyHandleTable::Pointer> AnyHandleTable::selectAny(const Predicate &accepts) {
  std::lock_guard<std::mutex> lock(mutex);
  std::vector<Pointer> selected;
  for (const auto &entry : entries)
    if (accepts(entry.second.object.get())) selected.push_back(entry.second.object);
  return selected;
}

std::vector<AnyHandleTable::Pointer> AnyHandleTable::reapAny(const Predicate &accepts, const std::string &why) {
  std::lock_guard<std::mutex> lock(mutex);
  std::vector<Pointer> reaped;
  for (auto entry = entries.begin(); entry != entries.end();) {
    if (!accepts(entry->second.object.get())) {
      ++entry;
      continue;
    }
    reportLeak(entry->second, why);
    reaped.push_back(std::move(entry->second.object));
    entry = entries.erase(entry);
    noteChange();
  }
  return reaped;
}

void AnyHandleTable::reportLeak(Entry &entry, const std::string &why) {
  if (entry.reported) return;
  entry.reported = true;
  violation(emulator::kind::leak, entry.site, std::string("the ") + kind + " made here " + why);
}

AnyHandleTable::Pointer AnyHandleTable::orViolation(Pointer object, const void *handle) {
  if (object) return object;
  const std::string message = std::string(kind) + " " + text(handle) + " was destroyed before, or never was one";
  violation(emulator::kind::destroyedHandle, message);
  throw Failure(unknownCode, message);
}

}  // namespace emulator
