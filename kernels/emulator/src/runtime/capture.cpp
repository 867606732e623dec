// The aclmdlRI functions and the rules while capturing.
// Assumption: how the thread's exchanged mode and the capture's mode combine is as CUDA documents it for its
// equivalent; the AscendCL documentation names the modes alike.
#include "capture.h"

#include <algorithm>
#include <cstdio>

#include "../common/thread_site.h"
#include "context.h"
#include "event.h"
#include "init.h"

namespace emulator {
namespace {

HandleTable<Graph> &graphsTable = *new HandleTable<Graph>("graph", ACL_ERROR_RT_INVALID_HANDLE);
HandleTable<TaskGroup> &groups = *new HandleTable<TaskGroup>("task-group", ACL_ERROR_RT_INVALID_HANDLE);

thread_local aclmdlRICaptureMode threadMode = ACL_MODEL_RI_CAPTURE_MODE_GLOBAL;

// Guarded by the runtime lock.
std::set<std::shared_ptr<Graph>> &capturing() {
  static auto &all = *new std::set<std::shared_ptr<Graph>>;
  return all;
}

void requireMode(aclmdlRICaptureMode mode) {
  requireArgument(mode >= ACL_MODEL_RI_CAPTURE_MODE_GLOBAL && mode <= ACL_MODEL_RI_CAPTURE_MODE_RELAXED, "unknown capture mode");
}

bool concernsThisThread(const Graph &graph) {
  if (graph.mode == ACL_MODEL_RI_CAPTURE_MODE_RELAXED || threadMode == ACL_MODEL_RI_CAPTURE_MODE_RELAXED) return false;
  const bool mine = graph.thread == std::this_thread::get_id();
  return mine || (threadMode == ACL_MODEL_RI_CAPTURE_MODE_GLOBAL && graph.mode == ACL_MODEL_RI_CAPTURE_MODE_GLOBAL);
}

Graph &captureOf(Stream &stream) {
  if (!stream.capture) throw Failure(ACL_ERROR_RT_STREAM_NOT_CAPTURED, "the stream is not being captured");
  return *stream.capture;
}

void endCapture(const std::shared_ptr<Graph> &graph) {
  graph->capturing = false;
  capturing().erase(graph);
  Stream::leaveCapture(graph);
}

void discardGroups(Graph &graph) {
  for (aclrtTaskGrp group : graph.groups) groups.remove(group);
}

void discard(Graph &graph) {
  discardGroups(graph);
  graphs().remove(graph.handle);
}

// A failure inside a replay is reported as the graph's, with the task's own text; what comes after does not run.
void run(const Task &task) {
  setThreadSite(task.site);
  try {
    if (task.fault != ACL_SUCCESS) throw Failure(task.fault, "failed on request (ascendEmulatorFaultCall)");
    task.work->execute();
  } catch (const Failure &failure) {
    const std::string where = std::string(task.site.function) + " call " + std::to_string(task.site.number);
    throw Failure(ACL_ERROR_RT_MODEL_EXECUTE, "while replaying " + where + ": " + failure.what());
  }
}

// All of a graph as one piece of work, made at the first launch after a change: a launch costs the host no more than a task.
std::shared_ptr<const Work> launchOf(const Graph &graph) {
  auto launch = std::make_shared<Work>();
  for (const auto &task : graph.tasks)
    launch->ranges.insert(launch->ranges.end(), task->work->ranges.begin(), task->work->ranges.end());
  launch->execute = [tasks = graph.tasks] {
    for (const auto &task : tasks) run(*task);
  };
  return launch;
}

Position replay(Graph &graph, Stream &stream) {
  if (graph.capturing) throw Failure(ACL_ERROR_RT_MODEL_CAPTURED, "the graph is still being captured");
  if (stream.capture) throw Failure(ACL_ERROR_RT_STREAM_CAPTURED, "the stream is being captured");
  if (graph.context != &stream.context)
    throw Failure(ACL_ERROR_RT_STREAM_CONTEXT, "the graph was captured in another context than the stream's");
  if (!graph.launch) graph.launch = launchOf(graph);
  auto &ends = graph.replays;
  ends.erase(std::remove_if(ends.begin(), ends.end(), Stream::isObserved), ends.end());
  ends.push_back(stream.append(std::make_shared<Task>(graph.launch)));
  return ends.back();
}

}  // namespace

HandleTable<Graph> &graphs() { return graphsTable; }

bool recordInGraph(Stream &stream, const std::shared_ptr<Task> &task) {
  if (stream.update) {
    stream.update->tasks.push_back(task);
    return true;
  }
  if (!stream.capture) {
    for (const auto &graph : capturing())
      if (stream.isDefault && graph->context == &stream.context && concernsThisThread(*graph)) {
        graph->invalid = true;
        throw Failure(ACL_ERROR_RT_STREAM_CAPTURE_IMPLICIT,
                      "the default stream is used while another stream of its context is captured");
      }
    return false;
  }
  Graph &graph = *stream.capture;
  if (graph.invalid) throw Failure(ACL_ERROR_RT_STREAM_CAPTURE_INVALIDATED, "an earlier call made the capture invalid");
  graph.tasks.push_back(task);
  if (stream.id != graph.origin) graph.unjoined.insert(stream.id);
  return true;
}

void joinCapture(Stream &stream, const Event &event) {
  const auto graph = event.graph.lock();
  if (!graph || !graph->capturing)
    throw Failure(ACL_ERROR_RT_EVENT_CAPTURED, "the event was recorded in a capture that has ended");
  if (stream.capture && stream.capture != graph)
    throw Failure(ACL_ERROR_STREAM_CAPTURE_CONFLICT, "the stream and the event belong to two captures");
  if (stream.isDefault)
    throw Failure(ACL_ERROR_RT_STREAM_CAPTURE_IMPLICIT, "the default stream cannot be captured");
  if (!stream.capture) graph->unjoined.insert(stream.id);
  stream.capture = graph;
  if (stream.id == graph->origin) graph->unjoined.erase(event.capturedStream);
}

void requireNoUnsafeCapture(const char *what) {
  for (const auto &graph : capturing())
    if (concernsThisThread(*graph)) {
      graph->invalid = true;
      throw Failure(ACL_ERROR_RT_CAPTURE_MODE_NOT_SUPPORT, std::string(what) + " is not allowed while a stream is captured");
    }
}

void requireNotCapturing(Stream &stream) {
  if (!stream.capture) return;
  stream.capture->invalid = true;
  throw Failure(ACL_ERROR_RT_STREAM_CAPTURED, "the stream is being captured");
}

void takeGraphs(const Context &context) {
  const auto ofContext = [&](const Graph &graph) { return graph.context == &context; };
  for (const auto &graph : graphs().reap(ofContext, "was alive when its context was destroyed")) {
    endCapture(graph);
    discardGroups(*graph);
  }
}

}  // namespace emulator

using namespace emulator;

extern "C" {

aclError aclmdlRICaptureBegin(aclrtStream stream, aclmdlRICaptureMode mode) {
  return call(__func__, [&] {
    requireMode(mode);
    const auto where = streamFor(stream);
    if (where->isDefault)
      throw Failure(ACL_ERROR_RT_STREAM_CAPTURE_IMPLICIT, "the default stream cannot be captured: create a stream");
    RuntimeLock lock(runtimeMutex());
    if (where->capture) throw Failure(ACL_ERROR_RT_STREAM_CAPTURED, "the stream is being captured already");
    auto graph = std::make_shared<Graph>();
    graph->mode = mode;
    graph->thread = std::this_thread::get_id();
    graph->context = &where->context;
    graph->origin = where->id;
    graph->handle = reinterpret_cast<aclmdlRI>(graphs().add(graph));
    where->capture = graph;
    capturing().insert(graph);
  });
}

aclError aclmdlRICaptureGetInfo(aclrtStream stream, aclmdlRICaptureStatus *status, aclmdlRI *modelRI) {
  return call(__func__, [&] {
    requireArgument(status && modelRI, "status or modelRI is NULL");
    const auto where = streamFor(stream);
    RuntimeLock lock(runtimeMutex());
    const auto &graph = where->capture;
    *modelRI = graph ? graph->handle : nullptr;
    *status = !graph           ? ACL_MODEL_RI_CAPTURE_STATUS_NONE
              : graph->invalid ? ACL_MODEL_RI_CAPTURE_STATUS_INVALIDATED
                               : ACL_MODEL_RI_CAPTURE_STATUS_ACTIVE;
  });
}

aclError aclmdlRICaptureEnd(aclrtStream stream, aclmdlRI *modelRI) {
  return call(__func__, [&] {
    requireArgument(modelRI, "modelRI is NULL");
    const auto where = streamFor(stream);
    RuntimeLock lock(runtimeMutex());
    captureOf(*where);
    const auto graph = where->capture;
    if (graph->origin != where->id)
      throw Failure(ACL_ERROR_RT_STREAM_CAPTURE_UNMATCHED, "the capture was begun on another stream");
    if (graph->thread != std::this_thread::get_id() && graph->mode != ACL_MODEL_RI_CAPTURE_MODE_RELAXED)
      throw Failure(ACL_ERROR_RT_STREAM_CAPTURE_WRONG_THREAD, "the capture was begun in another thread");
    endCapture(graph);
    *modelRI = nullptr;
    if (graph->invalid) {
      discard(*graph);
      throw Failure(ACL_ERROR_RT_STREAM_CAPTURE_INVALIDATED, "an illegal call was made during the capture");
    }
    if (!graph->unjoined.empty()) {
      discard(*graph);
      throw Failure(ACL_ERROR_RT_STREAM_UNJOINED, "a stream that joined the capture was not joined back by an event");
    }
    *modelRI = graph->handle;
  });
}

aclError aclmdlRICaptureThreadExchangeMode(aclmdlRICaptureMode *mode) {
  return call(__func__, [&] {
    requireArgument(mode, "mode is NULL");
    requireMode(*mode);
    std::swap(*mode, threadMode);
  });
}

aclError aclmdlRIExecuteAsync(aclmdlRI modelRI, aclrtStream stream) {
  return call(__func__, [&] {
    const auto where = streamFor(stream);
    const auto graph = graphs().require(modelRI);
    RuntimeLock lock(runtimeMutex());
    replay(*graph, *where);
  });
}

aclError aclmdlRIExecute(aclmdlRI modelRI, int32_t timeout) {
  return call(__func__, [&] {
    requireArgument(timeout >= -1, "timeout must be -1 or more");
    const auto where = streamFor(nullptr);
    const auto graph = graphs().require(modelRI);
    RuntimeLock lock(runtimeMutex());
    const Position end = replay(*graph, *where);
    if (!where->waitUntilDone(lock, end.number, timeout))
      throw Failure(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, "the graph was not done after " + std::to_string(timeout) + " ms");
    raiseFault(*where);
  });
}

aclError aclmdlRIDestroy(aclmdlRI modelRI) {
  return call(__func__, [&] {
    requireArgument(modelRI, "modelRI is NULL");
    const auto graph = graphs().require(modelRI);
    RuntimeLock lock(runtimeMutex());
    if (graph->capturing) throw Failure(ACL_ERROR_RT_MODEL_CAPTURED, "the graph is still being captured");
    if (!std::all_of(graph->replays.begin(), graph->replays.end(), Stream::isObserved))
      throw Failure(ACL_ERROR_RT_MODEL_RUNNING, "no synchronise has covered the graph's last execution");
    discard(*graph);
  });
}

aclError aclmdlRIDebugPrint(aclmdlRI modelRI) {
  return call(__func__, [&] {
    const auto graph = graphs().require(modelRI);
    RuntimeLock lock(runtimeMutex());
    fprintf(stderr, "[Ascend emulator] graph %p, %zu tasks\n", graph->handle, graph->tasks.size());
    for (const auto &task : graph->tasks)
      fprintf(stderr, "  %s (call %llu)\n", task->site.function, static_cast<unsigned long long>(task->site.number));
  });
}

aclError aclmdlRICaptureTaskGrpBegin(aclrtStream stream) {
  return call(__func__, [&] {
    const auto where = streamFor(stream);
    RuntimeLock lock(runtimeMutex());
    Graph &graph = captureOf(*where);
    if (graph.groupOpen) throw Failure(ACL_ERROR_STREAM_TASK_GROUP_STATUS, "a task group is open already");
    graph.groupOpen = true;
    graph.groupFirst = graph.tasks.size();
  });
}

aclError aclmdlRICaptureTaskGrpEnd(aclrtStream stream, aclrtTaskGrp *handle) {
  return call(__func__, [&] {
    requireArgument(handle, "handle is NULL");
    const auto where = streamFor(stream);
    RuntimeLock lock(runtimeMutex());
    Graph &graph = captureOf(*where);
    if (!graph.groupOpen) throw Failure(ACL_ERROR_STREAM_TASK_GROUP_STATUS, "no task group is open");
    graph.groupOpen = false;
    auto group = std::make_shared<TaskGroup>(TaskGroup{where->capture, graph.groupFirst, graph.tasks.size() - graph.groupFirst});
    *handle = reinterpret_cast<aclrtTaskGrp>(groups.add(std::move(group), false));
    graph.groups.push_back(*handle);
  });
}

// From here to the end, what is issued on the stream replaces the group's tasks and is not executed.
aclError aclmdlRICaptureTaskUpdateBegin(aclrtStream stream, aclrtTaskGrp handle) {
  return call(__func__, [&] {
    const auto where = streamFor(stream);
    const auto group = groups.require(handle);
    RuntimeLock lock(runtimeMutex());
    const auto graph = group->graph.lock();
    if (!graph || graph->capturing || where->capture || where->update)
      throw Failure(ACL_ERROR_STREAM_TASK_GROUP_STATUS, "the graph or the stream is being captured or updated");
    where->update = std::make_shared<TaskUpdate>(TaskUpdate{graph, group, {}});
  });
}

aclError aclmdlRICaptureTaskUpdateEnd(aclrtStream stream) {
  return call(__func__, [&] {
    const auto where = streamFor(stream);
    RuntimeLock lock(runtimeMutex());
    const auto update = std::move(where->update);
    where->update = nullptr;
    if (!update) throw Failure(ACL_ERROR_STREAM_TASK_GROUP_STATUS, "no update was begun on the stream");
    if (update->tasks.size() != update->group->count)
      throw Failure(ACL_ERROR_STREAM_TASK_GROUP_INTR, "the group has " + std::to_string(update->group->count) +
                                                          " tasks, the update " + std::to_string(update->tasks.size()));
    std::copy(update->tasks.begin(), update->tasks.end(),
              update->graph->tasks.begin() + static_cast<std::ptrdiff_t>(update->group->first));
    update->graph->launch = nullptr;
  });
}

}  // extern "C"
