// Events: marks in a stream's order that the host or other streams can wait for.
#pragma once
#include <chrono>
#include <memory>

#include "../common/handles.h"
#include "stream.h"

namespace emulator {

// One aclrtRecordEvent: recording an event again makes a new one, waits go on with the one they saw.
struct Recording {
  Position position;
  bool done = false;
  std::chrono::steady_clock::time_point time;
};

struct Event {
  int device;
  uint32_t flag;
  std::shared_ptr<Recording> recording;  // NULL until recorded
  std::weak_ptr<Graph> graph;            // the capture it was last recorded in
  uint64_t capturedStream = 0;           // and from which stream; 0 when last recorded outside one
};

HandleTable<Event> &events();

}  // namespace emulator
