// Assertions for the tests: a failed one prints where and ends the program with status 1.
// Fits C and C++; the test of a library is an ordinary program written against the official API.
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ascend_emulator.h"

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                  \
    }                                                                           \
  } while (0)

// A call's status, with the native error text when it is another.
#define CHECK_STATUS(expected, call)                                                                 \
  do {                                                                                               \
    const int check_found = (int)(call), check_expected = (int)(expected);                           \
    if (check_found != check_expected) {                                                             \
      const char *check_text = aclGetRecentErrMsg();                                                 \
      fprintf(stderr, "%s:%d: %s returned %d, not %d: %s\n", __FILE__, __LINE__, #call, check_found, \
              check_expected, check_text ? check_text : "no error text");                            \
      exit(1);                                                                                       \
    }                                                                                                \
  } while (0)

#define CHECK_OK(call) CHECK_STATUS(0, call)

// Exactly one violation since the last time, of this kind, recorded for this function.
static inline void check_violation(const char *file, int line, const char *kind, const char *function) {
  static char report[1 << 20];
  ascendEmulatorReport(report, sizeof report);
  char expected[256];
  snprintf(expected, sizeof expected, "{\"kind\":\"%s\",\"function\":\"%s\"", kind, function);
  if (ascendEmulatorViolationCount() != 1 || !strstr(report, expected)) {
    fprintf(stderr, "%s:%d: not exactly one violation %s of %s: %s\n", file, line, kind, function, report);
    exit(1);
  }
  ascendEmulatorReset();
}
#define CHECK_VIOLATION(kind, function) check_violation(__FILE__, __LINE__, kind, function)

static inline void check_no_violation(const char *file, int line) {
  if (ascendEmulatorViolationCount() == 0) return;
  static char report[1 << 20];
  ascendEmulatorReport(report, sizeof report);
  fprintf(stderr, "%s:%d: violations: %s\n", file, line, report);
  exit(1);
}
#define CHECK_NO_VIOLATION() check_no_violation(__FILE__, __LINE__)
