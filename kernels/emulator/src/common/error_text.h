// The thread's pending error text and last error code (aclGetRecentErrMsg, aclrtGetLastError).
#pragma once
#include <string>

#include "call.h"

namespace emulator {

void setLastError(aclError code, const std::string &message) noexcept;
const char *takeErrorText();  // NULL when none; valid until the thread's next call of it
aclError lastError();
aclError takeLastError();

}  // namespace emulator
