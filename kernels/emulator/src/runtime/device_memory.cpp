// Reservations, the next-fit allocator and the books of live and freed memory.
#include "device_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>

#include "../common/config.h"

namespace emulator {
namespace {

constexpr size_t kReservation = size_t{128} << 30;  // address space of a device: twice a 910B3's memory
constexpr size_t kPage = 4096;
constexpr size_t kBaseAlignment = 64;
constexpr size_t kFreedRemembered = 65536;

std::atomic<uint64_t> frees{0};

struct Allocation {
  uintptr_t address;
  size_t size, charged, span;
  CallSite site;
  bool leakReported = false;
};
using Book = std::map<uintptr_t, Allocation>;  // by the page each starts on

// The allocation at or before an address, or NULL.
Allocation *atOrBefore(Book &book, uintptr_t address) {
  auto next = book.upper_bound(address);
  return next == book.begin() ? nullptr : &std::prev(next)->second;
}

// Half-open, for any numbers: [address, address + size) within [start, start + length).
bool within(uintptr_t address, size_t size, uintptr_t start, size_t length) {
  return address >= start && size <= length && address - start <= length - size;
}

bool holds(const Allocation &a, uintptr_t address) { return address >= a.address && address < a.address + a.size; }

std::string describe(const Allocation &a) {
  return "the " + std::to_string(a.size) + " bytes of " + a.site.function + " call " + std::to_string(a.site.number);
}

struct DeviceSpace {
  int file = -1;
  uintptr_t base = 0, mirror = 0, cursor = 0;
  uint64_t used = 0, peak = 0;
  bool wrapped = false;  // addresses are being given out again
  Book live, freed;
  std::deque<uintptr_t> freedOrder;

  bool reserved() const { return base != 0; }
  bool contains(uintptr_t address) const { return reserved() && address >= base && address < base + kReservation; }

  void reserve(int index) {
    file = memfd_create("ascend-emulator", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, kReservation) != 0) throw Failure(ACL_ERROR_RT_RESOURCE_ALLOC_FAIL, "memfd failed");
    // The hint only makes the addresses look like those of a device; any other place will do.
    void *hint = reinterpret_cast<void *>(0x124000000000 + static_cast<uintptr_t>(index) * kReservation);
    void *seen = mmap(hint, kReservation, PROT_NONE, MAP_SHARED | MAP_NORESERVE, file, 0);
    void *reached = mmap(nullptr, kReservation, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
    if (seen == MAP_FAILED || reached == MAP_FAILED)
      throw Failure(ACL_ERROR_RT_RESOURCE_ALLOC_FAIL, "cannot reserve 2 x 128 GiB of address space (ulimit -v?)");
    base = cursor = reinterpret_cast<uintptr_t>(seen);
    mirror = reinterpret_cast<uintptr_t>(reached);
  }

  std::byte *reach(uintptr_t address) const { return reinterpret_cast<std::byte *>(mirror + (address - base)); }

  // Next fit: the first gap after the previous allocation, or from the start again; 0 when there is none.
  uintptr_t place(size_t span) {
    for (uintptr_t at : {cursor, base}) {
      for (auto next = live.lower_bound(at);; ++next) {
        const uintptr_t end = next == live.end() ? base + kReservation : next->first;
        if (end - at >= span) return at;
        if (next == live.end()) break;
        at = next->first + next->second.span;
      }
    }
    return 0;
  }

  void forgetFreed(uintptr_t from, uintptr_t to) {
    auto a = freed.upper_bound(from);
    if (a != freed.begin() && std::prev(a)->first + std::prev(a)->second.span > from) --a;
    while (a != freed.end() && a->first < to) a = freed.erase(a);
  }

  uintptr_t allocate(size_t size, size_t charged) {
    const uint64_t total = config().memory;
    // One page stays unused between two allocations.
    const size_t span = (kBaseAlignment + std::min(charged, kReservation) + kPage - 1) / kPage * kPage + kPage;
    const uintptr_t page = charged > kReservation || charged > total || used > total - charged ? 0 : place(span);
    if (page == 0)
      throw Failure(ACL_ERROR_RT_MEMORY_ALLOCATION, "out of device memory: " + std::to_string(size) + " bytes asked for, " +
                                                        std::to_string(total - std::min(used, total)) + " of " +
                                                        std::to_string(total) + " free");
    wrapped |= page < cursor;
    if (wrapped) forgetFreed(page, page + span);
    // 64 bytes into the page: aligned as documented and no better, so that nothing relies on more.
    const Allocation made{page + kBaseAlignment, size, charged, span, currentCall()};
    live.emplace(page, made);
    cursor = page + span;
    used += charged;
    peak = std::max(peak, used);
    return made.address;
  }

  void release(Book::iterator block) {
    const uintptr_t page = block->first;
    ++frees;
    used -= block->second.charged;
    fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(page - base),
              static_cast<off_t>(block->second.span));
    freed[page] = block->second;
    freedOrder.push_back(page);
    if (freedOrder.size() > kFreedRemembered) {
      freed.erase(freedOrder.front());
      freedOrder.pop_front();
    }
    live.erase(block);
  }
};

struct HostBlock {
  std::shared_ptr<void> memory;
  size_t size;
  CallSite site;
  bool leakReported = false;
};

struct Memory {
  std::mutex mutex;
  std::map<int, DeviceSpace> devices;
  std::map<uintptr_t, HostBlock> host;

  DeviceSpace *deviceOf(uintptr_t address) {
    for (auto &[index, device] : devices)
      if (device.contains(address)) return &device;
    return nullptr;
  }

  std::map<uintptr_t, HostBlock>::iterator hostBlockOf(uintptr_t address) {
    auto next = host.upper_bound(address);
    if (next == host.begin()) return host.end();
    --next;
    return address < next->first + next->second.size ? next : host.end();
  }
};

Memory &memory() {
  static Memory &instance = *new Memory;
  return instance;
}

uintptr_t number(const void *address) { return reinterpret_cast<uintptr_t>(address); }

std::string hex(const void *address) {
  char text[32];
  snprintf(text, sizeof text, "%p", address);
  return text;
}

// Records the violation and refuses the call.
[[noreturn]] void refuse(const char *kind, const std::string &message) {
  violation(kind, message);
  throw Failure(ACL_ERROR_RT_PARAM_INVALID, message);
}

// The live block that starts at the address.
Book::iterator startingAt(DeviceSpace *device, const void *address) {
  const auto a = number(address);
  if (!device) refuse(kind::invalidFree, hex(address) + " is no device memory");
  if (Allocation *block = atOrBefore(device->live, a); block && holds(*block, a)) {
    if (block->address == a) return device->live.find(a - kBaseAlignment);
    refuse(kind::invalidFree, hex(address) + " is inside " + describe(*block) + ", not at its start");
  }
  if (Allocation *block = atOrBefore(device->freed, a); block && holds(*block, a))
    refuse(kind::useAfterFree, hex(address) + ", " + describe(*block) + ", was freed before");
  refuse(kind::invalidFree, hex(address) + " was never allocated");
}

std::map<uintptr_t, HostBlock>::iterator hostStartingAt(const void *address) {
  const auto found = memory().host.find(number(address));
  if (found == memory().host.end())
    refuse(kind::invalidFree, hex(address) + " is not the start of memory from aclrtMallocHost, or was freed before");
  return found;
}

}  // namespace

Place placeOf(const void *address) {
  std::lock_guard<std::mutex> lock(memory().mutex);
  if (memory().deviceOf(number(address))) return Place::device;
  return memory().hostBlockOf(number(address)) == memory().host.end() ? Place::host : Place::pinned;
}

RangeFault checkDeviceRange(const std::string &what, const void *address, size_t size, int device) {
  std::lock_guard<std::mutex> lock(memory().mutex);
  const auto a = number(address);
  DeviceSpace *owner = memory().deviceOf(a);
  if (!owner) return {kind::wildAddress, what + " at " + hex(address) + " is no device memory"};
  if (device >= 0 && owner != &memory().devices[device])
    return {kind::wrongDevice, what + " at " + hex(address) + " is memory of another device than " + std::to_string(device)};
  Allocation *block = atOrBefore(owner->live, a);
  if (block && within(a, size, block->address, block->size)) return {};
  // The page of padding after an allocation still belongs to it, for the message.
  if (block && a < block->address + block->span - kBaseAlignment)
    return {kind::outOfBounds, what + " needs " + std::to_string(size) + " bytes from byte " +
                                   std::to_string(static_cast<int64_t>(a - block->address)) + " of " + describe(*block)};
  if (Allocation *old = atOrBefore(owner->freed, a); old && a < old->address + old->span)
    return {kind::useAfterFree, what + " at " + hex(address) + " lies in " + describe(*old) + ", which was freed"};
  return {kind::wildAddress, what + " at " + hex(address) + " lies in no allocation"};
}

uint64_t deviceFrees() { return frees; }

RangeFault checkPinnedRange(const std::string &what, const void *address, size_t size) {
  std::lock_guard<std::mutex> lock(memory().mutex);
  const auto block = memory().hostBlockOf(number(address));
  if (block == memory().host.end())
    return {kind::wildAddress, what + " at " + hex(address) + " is no memory of aclrtMallocHost"};
  if (within(number(address), size, block->first, block->second.size)) return {};
  return {kind::outOfBounds, what + " needs " + std::to_string(size) + " bytes from byte " +
                                 std::to_string(number(address) - block->first) + " of the " +
                                 std::to_string(block->second.size) + " bytes of aclrtMallocHost call " +
                                 std::to_string(block->second.site.number)};
}

std::byte *reach(const void *deviceAddress) {
  std::lock_guard<std::mutex> lock(memory().mutex);
  DeviceSpace *device = memory().deviceOf(number(deviceAddress));
  return device ? device->reach(number(deviceAddress)) : nullptr;
}

void *allocateDevice(int device, size_t size, size_t charged) {
  std::byte *reached;
  uintptr_t address;
  {
    std::lock_guard<std::mutex> lock(memory().mutex);
    DeviceSpace &owner = memory().devices[device];
    if (!owner.reserved()) owner.reserve(device);
    address = owner.allocate(size, charged);
    reached = owner.reach(address);
  }
  if (config().poison) memset(reached, 0xFF, size);
  return reinterpret_cast<void *>(address);
}

size_t deviceAllocationSize(const void *address) {
  std::lock_guard<std::mutex> lock(memory().mutex);
  return startingAt(memory().deviceOf(number(address)), address)->second.size;
}

void freeDevice(const void *address) {
  std::lock_guard<std::mutex> lock(memory().mutex);
  DeviceSpace *owner = memory().deviceOf(number(address));
  const auto block = startingAt(owner, address);
  owner->release(block);
}

void freeAllOfDevice(int device) {
  std::lock_guard<std::mutex> lock(memory().mutex);
  DeviceSpace &owner = memory().devices[device];
  while (!owner.live.empty()) {
    const Allocation &block = owner.live.begin()->second;
    if (!block.leakReported)
      violation(kind::leak, block.site, std::to_string(block.size) + " bytes of device memory were not freed when device " +
                                            std::to_string(device) + " was reset");
    owner.release(owner.live.begin());
  }
}

DeviceUsage deviceUsage(int device) {
  std::lock_guard<std::mutex> lock(memory().mutex);
  const uint64_t total = config().memory;
  return {total - std::min(total, memory().devices[device].used), total};
}

void *allocateHost(size_t size) {
  const size_t rounded = (size + kBaseAlignment - 1) / kBaseAlignment * kBaseAlignment;
  void *block = rounded < size ? nullptr : std::aligned_alloc(kBaseAlignment, rounded);
  if (!block) throw Failure(ACL_ERROR_RT_MEMORY_ALLOCATION, "out of host memory: " + std::to_string(size) + " bytes asked for");
  if (config().poison) memset(block, 0xFF, size);
  std::lock_guard<std::mutex> lock(memory().mutex);
  memory().host.emplace(number(block), HostBlock{{block, std::free}, size, currentCall()});
  return block;
}

size_t hostAllocationSize(const void *address) {
  std::lock_guard<std::mutex> lock(memory().mutex);
  return hostStartingAt(address)->second.size;
}

void freeHost(const void *address) {
  std::lock_guard<std::mutex> lock(memory().mutex);
  memory().host.erase(hostStartingAt(address));
}

std::shared_ptr<void> pinnedOwner(const void *address) {
  std::lock_guard<std::mutex> lock(memory().mutex);
  const auto block = memory().hostBlockOf(number(address));
  return block == memory().host.end() ? nullptr : block->second.memory;
}

uint64_t liveDeviceAllocations() {
  std::lock_guard<std::mutex> lock(memory().mutex);
  uint64_t count = 0;
  for (auto &[index, device] : memory().devices) count += device.live.size();
  return count;
}

uint64_t liveHostAllocations() {
  std::lock_guard<std::mutex> lock(memory().mutex);
  return memory().host.size();
}

std::vector<uint64_t> peakDeviceMemory() {
  std::lock_guard<std::mutex> lock(memory().mutex);
  std::vector<uint64_t> peaks(config().devices);
  for (auto &[index, device] : memory().devices)
    if (static_cast<size_t>(index) < peaks.size()) peaks[static_cast<size_t>(index)] = device.peak;
  return peaks;
}

void reportMemoryLeaks() {
  std::lock_guard<std::mutex> lock(memory().mutex);
  for (auto &[index, device] : memory().devices)
    for (auto &[page, block] : device.live) {
      if (!block.leakReported)
        violation(kind::leak, block.site, std::to_string(block.size) + " bytes of device memory were never freed");
      block.leakReported = true;
    }
  for (auto &[address, block] : memory().host) {
    if (!block.leakReported)
      violation(kind::leak, block.site, std::to_string(block.size) + " bytes of pinned host memory were never freed");
    block.leakReported = true;
  }
}

}  // namespace emulator
