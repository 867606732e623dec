// The process's books: how often each function was called, which calls are to fail, what was violated.
// It knows no function by name.
#pragma once
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "violation.h"

namespace emulator {

struct CallRecord {
  uint64_t count = 0;                             // since the start: numbers the calls
  uint64_t countAtReset = 0;
  std::map<uint64_t, aclError> failures, faults;  // by call number
};

struct FunctionRecord : CallRecord {
  std::map<int, CallRecord> onDevice;  // those of threads that have the device current
};

class Ledger {
 public:
  static Ledger &instance();  // lives until the process is gone: stream threads may outlast static destructors

  // The record that "function", or "function@device", names; with the mutex held.
  CallRecord &recordOf(const std::string &name);

  // What counts the calls of a function, and its name, which stays where it is; with the mutex held.
  struct Counted {
    const char *name;
    FunctionRecord *record;
  };
  Counted counted(const char *function);

  std::mutex mutex;  // guards everything below
  std::map<std::string, FunctionRecord, std::less<>> functions;
  std::vector<Violation> violations;  // the first maximumKept
  uint64_t violationCount = 0;

  static constexpr size_t maximumKept = 1000;

 private:
  std::unordered_map<const char *, Counted> byAddress;  // of __func__: one address is one function
};

// Writes the report where ASCEND_EMULATOR_REPORT says; at finalise.
void writeReport();

}  // namespace emulator
