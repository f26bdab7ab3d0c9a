#pragma once
// EncodeQueue: texts wait here as token ids; compute threads take what is waiting, so batches grow
// with load and nothing waits for a timer.
//
// Short requests go before those of many texts, and these before bulk work (long streams). What is
// long is encoded in small pieces and on all threads but one while short requests come: a
// hundred-text request or a stream holds up the single one beside it by a few milliseconds. Every
// kBatchTurn-th batch is offered to requests of many texts first and every kBulkTurn-th to bulk
// work, so that both move under full load too.
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
  // already of this kind (short, many texts, bulk), and the Status says how long they will take;
  // kUnavailable: stopping. In `stages` it ends `tokenise`, which was before, `wait` and `encode`.
  void Submit(std::vector<text::TokenIds> texts, Priority priority, std::int64_t deadline_us,
              Done<encoder::Features> done, Gone gone = nullptr, Stages stages = nullptr);

 private:
  struct Job;
  struct Slice;
  enum Row : std::size_t { kShort, kBatch, kBulk, kRows };  // By falling urgency.
  struct Waiting {
    std::deque<std::shared_ptr<Job>> jobs[kRows];
    std::int64_t tokens[kRows] = {0, 0, 0};
    std::int64_t texts = 0;
    std::int64_t turns = 0;
    std::int64_t long_running = 0;   // Batches of kBatch and kBulk being encoded.
    std::int64_t last_short_us = 0;  // 0: none came yet.
    double tokens_per_second = 0;    // Of all threads, smoothed; 0: none was encoded yet.
    bool stopping = false;
    bool empty() const {
      return jobs[kShort].empty() && jobs[kBatch].empty() && jobs[kBulk].empty();
    }
    std::int64_t all_tokens() const { return tokens[kShort] + tokens[kBatch] + tokens[kBulk]; }
  };

  void Compute();
  bool MayTake(const Waiting& waiting, Row row) const;
  bool IsShortQuiet(const Waiting& waiting) const;  // No short request came for some time.
  std::int64_t ShortBatchTokens(const Waiting& waiting) const;
  std::int64_t LongBatchTokens(const Waiting& waiting) const;
  Row ChooseRow(Waiting& waiting) const;
  std::vector<Slice> TakeBatch(Waiting& waiting, Row row);
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
