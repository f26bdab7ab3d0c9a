#pragma once
// Settler: makes the choices of a task anew (block, ridge, temperature, head, thresholds) some
// quiet time after its last lesson, on one background thread, and hands the result to the learner.
//
// Threads: every public call is safe from any thread.
#include <atomic>
#include <cstdint>
#include <map>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "service/learner.h"
#include "telemetry/metrics.h"

namespace ctt::service {

class Settler {
 public:
  // `delay_ms` after the last lesson; -1: only what SettleNow asks for. `learner` may be set later
  // but before Start. A run that somebody waits for takes `urgent_threads`, any other one: it must
  // not slow the answers.
  Settler(Stores stores, std::int64_t delay_ms, int urgent_threads, const Clock& clock,
          telemetry::Metrics& metrics);
  ~Settler();  // As Stop.
  Settler(const Settler&) = delete;
  Settler& operator=(const Settler&) = delete;

  void Start(Learner& learner);

  // Gives up the run in progress and joins; later calls change nothing and answer kUnavailable. The
  // learner must still be there, and may call Touch until it is gone: stop, end the learner,
  // destroy.
  void Stop();

  // The task has lessons that its choices do not know. `elsewhere`: another process learned them,
  // and will make the choices itself; it is given time to.
  void Touch(store::TaskId task, bool elsewhere = false);

  // Settles the task before all others; true in the end when a settled version holds what the task
  // held at this call. kUnavailable: stopping.
  void SettleNow(store::TaskId task, Done<bool> done);

 private:
  struct Plan {
    std::int64_t first_us = 0;  // When the oldest unsettled lesson came.
    std::int64_t due_us = 0;
  };
  struct Plans {
    std::map<store::TaskId, Plan> due;
    std::map<store::TaskId, std::vector<Done<bool>>> urgent;
    bool stopping = false;
  };

  void Run();
  Result<bool> SettleTask(store::TaskId task, int threads);

  const Stores stores_;
  const std::int64_t delay_us_;
  const int urgent_threads_;
  const Clock& clock_;
  telemetry::Metrics& metrics_;
  Learner* learner_ = nullptr;
  std::atomic<bool> stopping_ = false;
  Guarded<Plans> plans_;
  std::thread thread_;
};

}  // namespace ctt::service
