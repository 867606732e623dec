// What every exported function goes through: counting, fault injection, error text.
//
// An exported function is one line: `return emulator::call(__func__, [&] { ... });`. The body throws Failure
// for a documented error; call() turns it into the status and the thread's error text.
#pragma once
#include <cstdint>
#include <new>
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
  explicit Call(const char *function);
  ~Call();
  Call(const Call &) = delete;

  aclError fail(aclError code, const char *message) const;  // sets the thread's error text; returns code
  aclError injected() const { return injectedFailure; }     // what ascendEmulatorFailCall asked for; 0 for nothing

 private:
  CallSite outerSite;
  aclError outerFault, injectedFailure;
};

template <class Body>
aclError call(const char *function, Body body) {
  Call current(function);
  if (current.injected() != ACL_SUCCESS)
    return current.fail(current.injected(), "failed on request (ascendEmulatorFailCall)");
  try {
    body();
    return ACL_SUCCESS;
  } catch (const Failure &failure) {
    return current.fail(failure.code, failure.what());
  } catch (const std::bad_alloc &) {
    return current.fail(ACL_ERROR_BAD_ALLOC, "out of host memory");
  }
}

// For the functions that return an object instead of a status: NULL on failure.
template <class Body>
auto callForPointer(const char *function, Body body) {
  decltype(body()) result = nullptr;
  call(function, [&] { result = body(); });
  return result;
}

}  // namespace emulator
