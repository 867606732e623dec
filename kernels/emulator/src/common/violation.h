// Violations: what a program did that hardware would punish later, sometimes, or not at all.
//
// A violation is recorded with the function and the number of its call; the program goes on wherever it can.
// A new kind is one line here.
#pragma once
#include <string>
#include <vector>

#include "call.h"

namespace emulator {

namespace kind {
constexpr const char *freeInFlight = "free-in-flight";          // memory freed before a synchronise covered its use
constexpr const char *useAfterFree = "use-after-free";          // freed memory used, freed again, or replayed
constexpr const char *invalidFree = "invalid-free";             // not the start of an allocation
constexpr const char *wildAddress = "wild-address";             // device or acl host memory expected, something else given
constexpr const char *outOfBounds = "out-of-bounds";            // copy, view or workspace leaves its allocation
constexpr const char *outOfStorage = "out-of-storage";          // view leaves its descriptor's own storage shape
constexpr const char *misaligned = "misaligned";                // base not a multiple of 64 bytes
constexpr const char *leak = "leak";                            // alive at finalise or when its device is reset
constexpr const char *missingWorkspace = "missing-workspace";   // workspace NULL though phase 1 asked for some
constexpr const char *smallWorkspace = "small-workspace";       // less than phase 1 asked for
constexpr const char *unpinnedAsync = "unpinned-async-copy";    // asynchronous copy with ordinary host memory
constexpr const char *hostToHostAsync = "host-to-host-async";   // not supported on A2
constexpr const char *wrongCopyKind = "wrong-copy-kind";        // the kind contradicts the addresses
constexpr const char *missingSync = "missing-synchronise";      // the host touches memory that unsynchronised work uses
constexpr const char *streamRace = "unordered-streams";         // two streams use memory without an event between
constexpr const char *streamInFlight = "stream-in-flight";      // stream destroyed before a synchronise covered its work
constexpr const char *destroyedHandle = "destroyed-handle";     // destroyed, or never a handle of this kind
constexpr const char *unrecordedEvent = "unrecorded-event";     // waiting for an event that was never recorded
constexpr const char *wrongDevice = "wrong-device";             // memory of one device used on another
constexpr const char *executorReused = "executor-reused";       // one-shot executor used after its phase 2
constexpr const char *wrongExecutor = "wrong-executor";         // phase 2 of another operator, or another tensor's index
constexpr const char *addressUpdate = "address-update";         // aclSetRawTensorAddr between phase 1 and phase 2
}  // namespace kind

struct Violation {
  const char *kind;
  CallSite site;
  std::string message;
};

EMULATOR_API void violation(const char *kind, const std::string &message);  // of the current call
EMULATOR_API void violation(const char *kind, const CallSite &site, const std::string &message);

}  // namespace emulator
