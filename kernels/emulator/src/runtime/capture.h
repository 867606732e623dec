// Graphs: tasks recorded from streams instead of executed, to be replayed as often as wanted.
//
// A stream that waits for an event recorded on a capturing stream joins the capture; the graph keeps all tasks
// in the order they were issued, one of the orders the events allow.
#pragma once
#include <set>
#include <thread>
#include <vector>

#include "../common/handles.h"
#include "stream.h"

namespace emulator {

struct Event;

struct Graph {
  aclmdlRI handle = nullptr;
  aclmdlRICaptureMode mode = ACL_MODEL_RI_CAPTURE_MODE_GLOBAL;
  std::thread::id thread;          // that began the capture
  const Context *context = nullptr;
  uint64_t origin = 0;             // stream
  std::set<uint64_t> unjoined;     // other streams with tasks that no event has brought back to the origin
  bool capturing = true;
  bool invalid = false;            // an illegal call was made meanwhile
  std::vector<std::shared_ptr<Task>> tasks;
  std::shared_ptr<const Work> launch;  // all of them; NULL before the first launch and after an update
  std::vector<Position> replays;   // those the host may not have observed
  std::vector<aclrtTaskGrp> groups;
  bool groupOpen = false;
  size_t groupFirst = 0;
};

// A part of a graph whose tasks may be replaced, and the replacement being issued on some stream.
struct TaskGroup {
  std::weak_ptr<Graph> graph;
  size_t first, count;
};
struct TaskUpdate {
  std::shared_ptr<Graph> graph;
  std::shared_ptr<TaskGroup> group;
  std::vector<std::shared_ptr<Task>> tasks;
};

HandleTable<Graph> &graphs();

// With the runtime lock held:

// True when the task was taken for a graph instead of being executed. Throws when the capture is not valid.
bool recordInGraph(Stream &stream, const std::shared_ptr<Task> &task);

// The stream waits for an event recorded while capturing: it joins that capture.
void joinCapture(Stream &stream, const Event &event);

// For calls that must not happen while capturing, by the capture's mode: throws 107030 and spoils the capture.
void requireNoUnsafeCapture(const char *what);

// For synchronising: throws 107027 and spoils the capture.
void requireNotCapturing(Stream &stream);

// Graphs end with their context, also those that are still being captured.
void takeGraphs(const Context &context);

}  // namespace emulator
