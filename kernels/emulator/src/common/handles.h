// Handles: what the program holds instead of pointers to the emulator's objects.
//
// A handle is a number that is never used twice and points nowhere, so a destroyed handle is recognised for
// ever and dereferencing one faults. Objects are shared: work in flight keeps what it needs alive.
// A new kind of object is one table, made at namespace scope and never destroyed: the report must know all
// kinds from the moment the library is loaded.
#pragma once
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "violation.h"

namespace emulator {

// What the report and the leak check need of every table.
class EMULATOR_API AnyHandleTable {
 public:
  explicit AnyHandleTable(const char *kind);
  const char *const kind;
  virtual size_t size() = 0;
  virtual void reportLeaks() = 0;

  static const std::vector<AnyHandleTable *> &all();

 protected:
  ~AnyHandleTable() = default;  // tables live as long as the process
  static uintptr_t nextHandle();
};

template <class Object>
class HandleTable : public AnyHandleTable {
 public:
  // unknownCode: what a call returns when it is given something that is no living handle.
  HandleTable(const char *kind, aclError unknownCode) : AnyHandleTable(kind), unknownCode(unknownCode) {}

  // owned: false for objects the program did not ask for and need not destroy.
  uintptr_t add(std::shared_ptr<Object> object, bool owned = true) {
    std::lock_guard<std::mutex> lock(mutex);
    const uintptr_t handle = nextHandle();
    entries.emplace(handle, Entry{std::move(object), currentCall(), !owned});
    return handle;
  }

  // NULL when the handle is not alive.
  std::shared_ptr<Object> find(const void *handle) {
    std::lock_guard<std::mutex> lock(mutex);
    const auto found = entries.find(reinterpret_cast<uintptr_t>(handle));
    return found == entries.end() ? nullptr : found->second.object;
  }

  std::shared_ptr<Object> require(const void *handle) { return orViolation(find(handle), handle); }

  std::shared_ptr<Object> remove(const void *handle) {
    std::shared_ptr<Object> object;
    {
      std::lock_guard<std::mutex> lock(mutex);
      const auto found = entries.find(reinterpret_cast<uintptr_t>(handle));
      if (found != entries.end()) {
        object = std::move(found->second.object);
        entries.erase(found);
      }
    }
    return orViolation(std::move(object), handle);
  }

  template <class Predicate>
  std::vector<std::shared_ptr<Object>> select(Predicate accepts) {
    std::lock_guard<std::mutex> lock(mutex);
    std::vector<std::shared_ptr<Object>> selected;
    for (const auto &entry : entries)
      if (accepts(*entry.second.object)) selected.push_back(entry.second.object);
    return selected;
  }

  // Removes every object the predicate accepts and reports it as a leak.
  template <class Predicate>
  std::vector<std::shared_ptr<Object>> reap(Predicate accepts, const std::string &why) {
    std::lock_guard<std::mutex> lock(mutex);
    std::vector<std::shared_ptr<Object>> reaped;
    for (auto entry = entries.begin(); entry != entries.end();) {
      if (!accepts(*entry->second.object)) {
        ++entry;
        continue;
      }
      reportLeak(entry->second, why);
      reaped.push_back(std::move(entry->second.object));
      entry = entries.erase(entry);
    }
    return reaped;
  }

  size_t size() override {
    std::lock_guard<std::mutex> lock(mutex);
    return entries.size();
  }

  void reportLeaks() override {
    std::lock_guard<std::mutex> lock(mutex);
    for (auto &entry : entries) reportLeak(entry.second, "was never destroyed");
  }

 private:
  struct Entry {
    std::shared_ptr<Object> object;
    CallSite site;
    bool reported;
  };

  void reportLeak(Entry &entry, const std::string &why) {
    if (entry.reported) return;
    entry.reported = true;
    violation(kind::leak, entry.site, std::string("the ") + AnyHandleTable::kind + " made here " + why);
  }

  std::shared_ptr<Object> orViolation(std::shared_ptr<Object> object, const void *handle) {
    if (object) return object;
    const std::string message = std::string(AnyHandleTable::kind) + " " + hex(handle) +
                                " was destroyed before, or never was one";
    violation(kind::destroyedHandle, message);
    throw Failure(unknownCode, message);
  }

  static std::string hex(const void *pointer) {
    char text[32];
    snprintf(text, sizeof text, "%p", pointer);
    return text;
  }

  const aclError unknownCode;
  std::mutex mutex;
  std::unordered_map<uintptr_t, Entry> entries;
};

}  // namespace emulator
