// Memory of the devices and pinned memory of the host.
//
// Each device has one memfd, mapped twice: at the addresses programs see, without any access rights
// (PROT_NONE), and at a second place that only kernels and copies know (reach). Host code that dereferences a
// device address faults, as it would on hardware.
//
// Addresses are given out in rising order and come round again only when the reservation is used up, so a
// freed address is recognised for a long time; the pages behind it go back to the system at once. Freed memory
// that a late kernel still writes therefore harms nothing.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../common/violation.h"

namespace emulator {

enum class Place { host, pinned, device };

EMULATOR_API Place placeOf(const void *address);

// Half-open range of device or host addresses that a task uses.
struct Range {
  const void *address;
  size_t size;
  bool write;

  // They overlap and at least one of them writes. In line: of two graphs on two streams it compares all with all.
  bool conflictsWith(const Range &other) const {
    const auto begin = reinterpret_cast<uintptr_t>(address), otherBegin = reinterpret_cast<uintptr_t>(other.address);
    return (write || other.write) && begin < otherBegin + other.size && otherBegin < begin + size;
  }
};

// NULL, or what is wrong with using [address, address + size) on the device (any device if -1).
struct RangeFault {
  const char *kind = nullptr;
  std::string message;
  explicit operator bool() const { return kind != nullptr; }
};
EMULATOR_API RangeFault checkDeviceRange(const std::string &what, const void *address, size_t size, int device);
// How often device memory was freed. What was in order stays so until this changes.
EMULATOR_API uint64_t deviceFrees();
RangeFault checkPinnedRange(const std::string &what, const void *address, size_t size);

// Where the process reaches device memory; no check.
EMULATOR_API std::byte *reach(const void *deviceAddress);

// Fresh memory is filled with 0xFF: NaN in every floating-point format. Throw Failure.
void *allocateDevice(int device, size_t size, size_t charged);
size_t deviceAllocationSize(const void *address);  // throws unless address is the start of an allocation
void freeDevice(const void *address);
void freeAllOfDevice(int device);  // each as a leak

struct DeviceUsage {
  uint64_t free, total;
};
DeviceUsage deviceUsage(int device);

void *allocateHost(size_t size);
size_t hostAllocationSize(const void *address);
void freeHost(const void *address);
std::shared_ptr<void> pinnedOwner(const void *address);  // keeps the memory while work in flight uses it

uint64_t liveDeviceAllocations();
uint64_t liveHostAllocations();
std::vector<uint64_t> peakDeviceMemory();
void reportMemoryLeaks();

}  // namespace emulator
