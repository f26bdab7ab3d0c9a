#pragma once
// EncodeQueue: texts wait here as token ids; compute threads take what is waiting, so batches grow
// with load and nothing waits for a timer.
//
// Single requests go before bulk work, and each job gives at most a slice of a batch at a time: a
// hundred-text request or a long stream never holds up the one beside it by more than one batch.
// Every kBulkTurn-th batch is offered to bulk work first, so that it moves under full load too.
//
// Threads: Submit is safe from any thread; `done` runs on a compute thread and must not block.
#include <cstdint>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "encoder/encoder.h"
#include "service/types.h"
#include "telemetry/metrics.h"
#include "text/tokenizer.h"

namespace ctt::service {

enum class Priority { kSingle, kBulk };

class EncodeQueue {
 public:
  // `encoder`, `clock` and `metrics` must outlive the queue.
  EncodeQueue(const encoder::Encoder& encoder, std::int32_t threads, std::int64_t tokens_max,
              const Clock& clock, telemetry::Metrics& metrics);
  ~EncodeQueue();  // Encodes what was accepted, then joins.
  EncodeQueue(const EncodeQueue&) = delete;
  EncodeQueue& operator=(const EncodeQueue&) = delete;

  // Features come in the order of `texts`. `deadline_us` is steady time, 0 for none; past it, what
  // has not been encoded is dropped and the answer is kDeadlineExceeded; kCancelled
  // ("client_closed") when `gone` says so. kResourceExhausted ("queue_full"): tokens_max wait
  // already in this priority, and the Status says how long they will take; kUnavailable: stopping.
  // In `stages` it ends `tokenise`, which was before, `wait` and `encode`.
  void Submit(std::vector<text::TokenIds> texts, Priority priority, std::int64_t deadline_us,
              Done<encoder::Features> done, Gone gone = nullptr, Stages stages = nullptr);

 private:
  struct Job;
  struct Slice;
  struct Waiting {
    std::deque<std::shared_ptr<Job>> jobs[2];  // By Priority.
    std::int64_t tokens[2] = {0, 0};
    std::int64_t texts = 0;
    std::int64_t turns = 0;
    std::int64_t bulk_running = 0;  // Bulk batches being encoded.
    std::int64_t last_single_us = 0;
    double tokens_per_second = 0;  // Of all threads, smoothed; 0: none was encoded yet.
    bool stopping = false;
    bool empty() const { return jobs[0].empty() && jobs[1].empty(); }
  };

  void Compute();
  bool MayTake(const Waiting& waiting, Priority priority) const;
  std::vector<Slice> TakeBatch(Waiting& waiting, Priority& priority);
  void EncodeBatch(std::vector<Slice>& slices, encoder::Encoder::Workspace& workspace);
  void MeasureRate(std::int64_t tokens, std::int64_t micros);
  void Finish(const std::shared_ptr<Job>& job, std::int64_t texts) const;

  const encoder::Encoder& encoder_;
  const std::int32_t thread_count_;
  const std::int64_t tokens_max_;
  const Clock& clock_;
  telemetry::Metrics& metrics_;
  Guarded<Waiting> waiting_;
  std::vector<std::thread> threads_;
};

}  // namespace ctt::service
