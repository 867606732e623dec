// What every exported function goes through: counting, fault injection, error text.
//
// An exported function is one line: `return emulator::call(__func__, [&] { ... });`. The body throws Failure
// for a documented error; call() turns it into the status and the thread's error text.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>

#include "acl_emulator.h"

#define EMULATOR_API __attribute__((visibility("default")))

namespace emulator {

// A documented error: the code the caller gets and the text for aclGetRecentErrMsg. Thrown by a kernel it
// becomes a device fault (5070xx) that the next synchronise reports.
class EMULATOR_API Failure : public std::runtime_error {
 public:
  Failure(aclError code, const std::string &message) : std::runtime_error(message), code(code) {}
  aclError code;
};

// Which call of which function: in error texts, violations and leak reports.
struct CallSite {
  const char *function = "";
  uint64_t number = 0;
};

// The exported function this thread is in.
EMULATOR_API const CallSite &currentCall();

// Error code that the current call, an asynchronous one, must raise on the device instead of running; 0 for none.
EMULATOR_API aclError currentDeviceFault();

class EMULATOR_API Call {
 public:
  explicit Call(const char *function);  // throws Failure when this call was asked to fail
  ~Call();
  Call(const Call &) = delete;

  static aclError fail(const Failure &failure) noexcept;

 private:
  CallSite outerSite;
  aclError outerFault;
};

template <class Body>
aclError call(const char *function, Body body) noexcept {
  try {
    Call current(function);
    try {
      body();
      return ACL_SUCCESS;
    } catch (const std::bad_alloc &) {
      throw Failure(ACL_ERROR_BAD_ALLOC, "out of host memory");
    }
  } catch (const Failure &failure) {
    return Call::fail(failure);
  }
}

// For the functions that return an object instead of a status: NULL on failure.
template <class Result, class Body>
Result callForPointer(const char *function, Body body) noexcept {
  Result result = nullptr;
  call(function, [&] { result = body(); });
  return result;
}

}  // namespace emulator
