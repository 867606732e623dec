// Violations: what a program did that hardware would punish later, sometimes, or not at all.
//
// A violation is recorded with the function and the number of its call; the program goes on wherever it can.
// A new kind is one line here, one in the table of docs/emulator.md, and one in the table of
// test/opapi/violations.cpp, which plants every kind.
#pragma once
#include <string>
#include <vector>

#include "call.h"

namespace emulator {

#define EMULATOR_VIOLATION_KINDS(KIND) \
  KIND(freeInFlight, "free-in-flight", "memory freed before a synchronise covered its use")          \
  KIND(useAfterFree, "use-after-free", "freed memory used, freed again, or replayed")                \
  KIND(invalidFree, "invalid-free", "not the start of an allocation")                                \
  KIND(wildAddress, "wild-address", "device or acl host memory expected, something else given")      \
  KIND(outOfBounds, "out-of-bounds", "copy, view or workspace leaves its allocation")                \
  KIND(outOfStorage, "out-of-storage", "view leaves its descriptor's own storage shape")             \
  KIND(misaligned, "misaligned", "base not a multiple of 64 bytes")                                  \
  KIND(leak, "leak", "alive at finalise or when its device is reset")                                \
  KIND(missingWorkspace, "missing-workspace", "workspace NULL though phase 1 asked for some")        \
  KIND(smallWorkspace, "small-workspace", "less than phase 1 asked for")                             \
  KIND(unpinnedAsync, "unpinned-async-copy", "asynchronous copy with ordinary host memory")          \
  KIND(hostToHostAsync, "host-to-host-async", "not supported on A2")                                 \
  KIND(wrongCopyKind, "wrong-copy-kind", "the kind contradicts the addresses")                       \
  KIND(missingSync, "missing-synchronise", "the host touches memory that unsynchronised work uses")  \
  KIND(streamRace, "unordered-streams", "two streams use memory without an event between")           \
  KIND(streamInFlight, "stream-in-flight", "stream destroyed before a synchronise covered its work") \
  KIND(destroyedHandle, "destroyed-handle", "destroyed, or never a handle of this kind")             \
  KIND(unrecordedEvent, "unrecorded-event", "waiting for an event that was never recorded")          \
  KIND(wrongDevice, "wrong-device", "memory of one device used on another")                          \
  KIND(executorReused, "executor-reused", "one-shot executor used after its phase 2")                \
  KIND(wrongExecutor, "wrong-executor", "phase 2 of another operator, or another tensor's index")    \
  KIND(indexOutOfRange, "index-out-of-range", "an index that its table does not have")               \
  KIND(addressUpdate, "address-update", "aclSetRawTensorAddr between phase 1 and phase 2")

namespace kind {
#define EMULATOR_KIND_NAME(identifier, name, meaning) constexpr const char *identifier = name;
EMULATOR_VIOLATION_KINDS(EMULATOR_KIND_NAME)
#undef EMULATOR_KIND_NAME
}  // namespace kind

struct Violation {
  const char *kind;
  CallSite site;
  std::string message;
};

EMULATOR_API void violation(const char *kind, const std::string &message);  // of the current call
EMULATOR_API void violation(const char *kind, const CallSite &site, const std::string &message);

}  // namespace emulator
