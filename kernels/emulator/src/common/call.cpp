// Counting, fault injection and error text of every exported function.
#include "call.h"

#include <new>
#include <vector>

#include "error_text.h"
#include "ledger.h"
#include "thread_site.h"

namespace emulator {
namespace {

thread_local CallSite site;
thread_local int device = -1;  // none yet
thread_local aclError deviceFault = ACL_SUCCESS;
thread_local std::vector<std::shared_ptr<const void>> kept;

aclError take(std::map<uint64_t, aclError> &planned, uint64_t call) {
  const auto found = planned.find(call);
  if (found == planned.end()) return ACL_SUCCESS;
  const aclError code = found->second;
  planned.erase(found);
  return code;
}

// The thread is in the function as long as this lives.
class Call {
 public:
  explicit Call(const char *function) : outerSite(site), outerFault(deviceFault) {
    Ledger &ledger = Ledger::instance();
    std::lock_guard<std::mutex> lock(ledger.mutex);
    const auto [name, counted] = ledger.counted(function);
    FunctionRecord &record = *counted;
    site = {name, ++record.count};
    injectedFailure = take(record.failures, record.count);
    deviceFault = take(record.faults, record.count);
    if (device < 0) return;
    CallRecord &here = record.onDevice[device];
    ++here.count;
    if (injectedFailure == ACL_SUCCESS) injectedFailure = take(here.failures, here.count);
    if (deviceFault == ACL_SUCCESS) deviceFault = take(here.faults, here.count);
  }
  ~Call() {
    site = outerSite;
    deviceFault = outerFault;
    if (outerSite.number == 0) kept.clear();
  }
  Call(const Call &) = delete;

  aclError injected() const { return injectedFailure; }  // what ascendEmulatorFailCall asked for; 0 for nothing

 private:
  CallSite outerSite;
  aclError outerFault, injectedFailure;
};

// Sets the thread's error text; returns the code.
aclError fail(aclError code, const char *message) {
  setLastError(code, std::string(site.function) + " (call " + std::to_string(site.number) + "): " + message);
  return code;
}

}  // namespace

const CallSite &currentCall() { return site; }
aclError currentDeviceFault() { return deviceFault; }
void keepDuringCall(std::shared_ptr<const void> object) { kept.push_back(std::move(object)); }
void setThreadSite(const CallSite &taskSite) { site = taskSite; }
void setThreadDevice(int id) { device = id; }

aclError callAction(const char *function, Action body, Action alsoWhenFailing) {
  Call current(function);
  try {
    if (current.injected() != ACL_SUCCESS) {
      alsoWhenFailing.run(alsoWhenFailing.object);
      throw Failure(current.injected(), "failed on request (ascendEmulatorFailCall)");
    }
    body.run(body.object);
    return ACL_SUCCESS;
  } catch (const Failure &failure) {
    return fail(failure.code, failure.what());
  } catch (const std::bad_alloc &) {
    return fail(ACL_ERROR_BAD_ALLOC, "out of host memory");
  } catch (const std::exception &unforeseen) {  // such as an array of 2^61 elements
    return fail(ACL_ERROR_INTERNAL_ERROR, unforeseen.what());
  }
}

}  // namespace emulator
