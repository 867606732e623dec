// Per thread, newest first, as the documentation has it. The per-process mode of aclInit's configuration
// ("err_msg_mode") is not imitated.
#include "error_text.h"

namespace emulator {
namespace {

constexpr size_t kMaximumPending = 16384;  // the oldest text goes first

thread_local std::string pending, handedOut;
thread_local aclError last = ACL_SUCCESS;

}  // namespace

void setLastError(aclError code, const std::string &message) noexcept {
  last = code;
  pending = "[Ascend emulator] " + std::to_string(code) + ": " + message + (pending.empty() ? "" : "\n") + pending;
  if (pending.size() > kMaximumPending) pending.resize(kMaximumPending);
}

const char *takeErrorText() {
  if (pending.empty()) return nullptr;
  handedOut = std::move(pending);
  pending.clear();
  return handedOut.c_str();
}

aclError lastError() { return last; }

aclError takeLastError() {
  const aclError code = last;
  last = ACL_SUCCESS;
  return code;
}

}  // namespace emulator
