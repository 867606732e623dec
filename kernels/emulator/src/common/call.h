// What every exported function goes through: counting, fault injection, error text.
//
// An exported function is one line: `return emulator::call(__func__, [&] { ... });`. The body throws Failure
// for a documented error; call() turns it into the status and the thread's error text. What a function does even
// when it fails (phase 2 ends its executor) is a second closure: it runs when a failure is injected.
#pragma once
#include <cstdint>
#include <memory>
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

// Keeps an object that the current call looks at until the call returns, though another thread destroys it.
EMULATOR_API void keepDuringCall(std::shared_ptr<const void> object);

// What to do, whatever its type: the code around it is compiled once.
struct Action {
  template <class Body>
  Action(Body &body) : object(&body), run([](void *object) { (*static_cast<Body *>(object))(); }) {}
  void *object;
  void (*run)(void *object);
};

EMULATOR_API aclError callAction(const char *function, Action body, Action alsoWhenFailing);

template <class Body, class AlsoWhenFailing>
aclError call(const char *function, Body body, AlsoWhenFailing alsoWhenFailing) {
  return callAction(function, body, alsoWhenFailing);
}

template <class Body>
aclError call(const char *function, Body body) {
  return call(function, body, [] {});
}

// For the functions that return an object instead of a status: NULL on failure.
template <class Body>
auto callForPointer(const char *function, Body body) {
  decltype(body()) result = nullptr;
  call(function, [&] { result = body(); });
  return result;
}

}  // namespace emulator
