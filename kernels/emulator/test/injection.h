// Every function of a library can be made to fail, is counted, and leaves an error text with its name.
// A function that is declared and not defined does not link here.
#pragma once
#include <vector>

#include "check.h"

struct InjectedCall {
  const char *library, *name;
  bool (*fails)(aclError code);
};

inline bool failed(aclError status, aclError code) { return status == code; }
inline bool failed(const void *result, aclError) { return result == nullptr; }

inline void checkInjection(const std::vector<InjectedCall> &calls) {
  for (const InjectedCall &c : calls) {
    while (aclGetRecentErrMsg()) {
    }
    ascendEmulatorReset();
    ascendEmulatorFailCall(c.name, 1, 507899);
    CHECK(c.fails(507899));
    const char *text = aclGetRecentErrMsg();
    if (strcmp(c.name, "aclGetRecentErrMsg") != 0 && (!text || !strstr(text, c.name))) {
      fprintf(stderr, "%s left no error text with its name: %s\n", c.name, text ? text : "none");
      exit(1);
    }
    CHECK(ascendEmulatorCallCount(c.name) >= 1);
  }
  CHECK(ascendEmulatorViolationCount() == 0);
}
