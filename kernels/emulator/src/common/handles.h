// Handles: what the program holds instead of pointers to the emulator's objects.
//
// A handle is a number that is never used twice and points nowhere, so a destroyed handle is recognised for
// ever and dereferencing one faults. Objects are shared: work in flight keeps what it needs alive.
// A new kind of object is one table, made at namespace scope and never destroyed: the report must know all
// kinds from the moment the library is loaded.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "violation.h"

namespace emulator {

// All that does not depend on the objects' type, and is therefore compiled once.
class EMULATOR_API AnyHandleTable {
 public:
  // unknownCode: what a call returns when it is given something that is no living handle.
  AnyHandleTable(const char *kind, aclError unknownCode);
  const char *const kind;
  size_t size();
  // How often an object was removed or replaced, or said to have changed.
  uint64_t changes() const { return changeCount; }
  void noteChange() { ++changeCount; }
  void reportLeaks();

  static const std::vector<AnyHandleTable *> &all();

 protected:
  using Pointer = std::shared_ptr<void>;
  using Predicate = std::function<bool(const void *)>;

  ~AnyHandleTable() = default;  // tables live as long as the process
  uintptr_t addAny(Pointer object, bool owned);
  Pointer findAny(const void *handle);
  Pointer takeAny(const void *handle, const Predicate &ends);
  void replaceAny(const void *handle, Pointer object);
  std::vector<Pointer> selectAny(const Predicate &accepts);
  std::vector<Pointer> reapAny(const Predicate &accepts, const std::string &why);
  Pointer orViolation(Pointer object, const void *handle);

 private:
  struct Entry {
    Pointer object;
    CallSite site;
    bool reported;
  };
  void reportLeak(Entry &entry, const std::string &why);

  const aclError unknownCode;
  std::mutex mutex;
  std::unordered_map<uintptr_t, Entry> entries;
  std::atomic<uint64_t> changeCount{0};
};

template <class Object>
class HandleTable : public AnyHandleTable {
 public:
  using AnyHandleTable::AnyHandleTable;
  using Shared = std::shared_ptr<Object>;

  // owned: false for objects the program did not ask for and need not destroy.
  uintptr_t add(Shared object, bool owned = true) { return addAny(std::move(object), owned); }

  // NULL when the handle is not alive.
  Shared find(const void *handle) { return typed(findAny(handle)); }

  // Anything but a living handle is a violation and throws Failure.
  Shared require(const void *handle) { return typed(orViolation(findAny(handle), handle)); }
  Shared remove(const void *handle) {
    return typed(orViolation(takeAny(handle, [](const void *) { return true; }), handle));
  }

  // The object, removed if the predicate accepts it; NULL when the handle is not alive.
  template <class Accepts>
  Shared take(const void *handle, Accepts ends) {
    return typed(takeAny(handle, untyped(ends)));
  }

  // Gives a living handle another object.
  void replace(const void *handle, Shared object) { replaceAny(handle, std::move(object)); }

  template <class Accepts>
  std::vector<Shared> select(Accepts accepts) {
    return typed(selectAny(untyped(accepts)));
  }

  // Removes every object the predicate accepts and reports it as a leak.
  template <class Accepts>
  std::vector<Shared> reap(Accepts accepts, const std::string &why) {
    return typed(reapAny(untyped(accepts), why));
  }

 private:
  static Shared typed(const Pointer &object) { return std::static_pointer_cast<Object>(object); }
  static std::vector<Shared> typed(const std::vector<Pointer> &objects) {
    std::vector<Shared> result;
    for (const Pointer &object : objects) result.push_back(typed(object));
    return result;
  }
  template <class Accepts>
  static Predicate untyped(Accepts accepts) {
    return [accepts](const void *object) { return accepts(*static_cast<const Object *>(object)); };
  }
};

}  // namespace emulator
