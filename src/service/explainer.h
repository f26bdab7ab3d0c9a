#pragma once
// Explainer: the stored examples nearest to a text, read from the log on a thread of its own, so
// that no compute thread waits for the database.
//
// Threads: every public call is safe from any thread; answers come from the explainer's thread.
// Memory: the features of one task, 768 bytes a row.
#include <cstdint>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "service/catalog.h"
#include "service/task_ledger.h"
#include "service/types.h"

namespace ctt::service {

class Explainer {
 public:
  explicit Explainer(Stores stores);
  ~Explainer();  // As Stop.
  Explainer(const Explainer&) = delete;
  Explainer& operator=(const Explainer&) = delete;

  // Answers what was accepted, then joins. Later calls answer kUnavailable.
  void Stop();

  // Adds to each text of `answer` its nearest examples among those that `task` holds, by the
  // features of the block that its head takes. phi [texts, D]. kResourceExhausted ("queue_full");
  // the store's errors. REQUIRES: the task has a head.
  void Explain(std::shared_ptr<const ServedTask> task, std::vector<std::int8_t> phi,
               PredictAnswer answer, Done<PredictAnswer> done);

 private:
  struct Job {
    std::shared_ptr<const ServedTask> task;
    std::vector<std::int8_t> phi;
    PredictAnswer answer;
    Done<PredictAnswer> done;
  };
  struct Queue {
    std::deque<Job> jobs;
    bool stopping = false;
  };
  void Run();
  Status AddNearest(Job& job) const;

  const Stores stores_;
  Guarded<Queue> queue_;
  std::thread thread_;
};

}  // namespace ctt::service
