// Counting, fault injection and error text of every exported function.
#include "call.h"

#include "error_text.h"
#include "ledger.h"
#include "thread_site.h"

namespace emulator {
namespace {

thread_local CallSite site;
thread_local aclError deviceFault = ACL_SUCCESS;

aclError take(std::map<uint64_t, aclError> &planned, uint64_t call) {
  const auto found = planned.find(call);
  if (found == planned.end()) return ACL_SUCCESS;
  const aclError code = found->second;
  planned.erase(found);
  return code;
}

}  // namespace

const CallSite &currentCall() { return site; }
aclError currentDeviceFault() { return deviceFault; }
void setThreadSite(const CallSite &taskSite) { site = taskSite; }

Call::Call(const char *function) : outerSite(site), outerFault(deviceFault) {
  Ledger &ledger = Ledger::instance();
  std::lock_guard<std::mutex> lock(ledger.mutex);
  auto found = ledger.functions.find(function);
  if (found == ledger.functions.end()) found = ledger.functions.emplace(function, FunctionRecord{}).first;
  FunctionRecord &record = found->second;
  site = {found->first.c_str(), ++record.count};
  injectedFailure = take(record.failures, record.count);
  deviceFault = take(record.faults, record.count);
}

Call::~Call() {
  site = outerSite;
  deviceFault = outerFault;
}

aclError Call::fail(aclError code, const char *message) const {
  setLastError(code, std::string(site.function) + " (call " + std::to_string(site.number) + "): " + message);
  return code;
}

}  // namespace emulator
