#include "service/encode_queue.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/thread.h"

namespace ctt::service {
namespace {

// One batch: enough rows for the GEMM to run at full speed, few enough that a request which arrives
// just after it started waits some milliseconds only. What is long gives way to what is short.
constexpr std::int64_t kBatchTokensMin = 96;
constexpr std::int64_t kBatchTokensMax = 256;
constexpr std::int64_t kLongBatchTokensAlone = 512;  // Nobody has asked yet: nobody waits.
constexpr std::int64_t kLongBatchTokens = 128;
constexpr std::int64_t kLongBatchTokensBesideShort = 32;  // Some 1.5 ms.
constexpr std::int64_t kSliceTokens = 128;                // Of one job in a shared batch.
constexpr std::int64_t kBatchTurn = 4;
constexpr std::int64_t kBulkTurn = 8;
constexpr std::int64_t kRetryAfterMaxS = 60;
constexpr double kRateWeight = 0.05;  // Of the last batch in the smoothed rate.
// After this long without a short request, long ones take every thread.
constexpr std::chrono::microseconds kShortQuiet{200'000};

std::int64_t TokenCount(const std::vector<text::TokenIds>& texts) {
  std::int64_t count = 0;
  for (const text::TokenIds& text : texts) count += static_cast<std::int64_t>(text.ids.size());
  return count;
}

Status QueueFull(std::int64_t tokens, double tokens_per_second) {
  const double seconds = static_cast<double>(tokens) / std::max(1.0, tokens_per_second);
  return Status(Code::kResourceExhausted, "queue_full",
                "the queue is full: " + std::to_string(tokens) + " tokens wait")
      .WithRetryAfter(std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(seconds)), 1,
                                               kRetryAfterMaxS));
}

}  // namespace

struct EncodeQueue::Job {
  std::vector<text::TokenIds> texts;
  std::int64_t deadline_us = 0;
  Done<encoder::Features> done;
  std::size_t next = 0;  // First text that no batch has taken; under the queue's lock.
  encoder::Features features;
  std::atomic<std::int64_t> unfinished = 0;
  std::atomic<bool> expired = false;
  Gone gone;
  Stages stages;
};

struct EncodeQueue::Slice {
  std::shared_ptr<Job> job;
  std::size_t first = 0;
  std::size_t last = 0;
  bool dropped = false;  // Its job had expired when the batch was put together.
};

EncodeQueue::EncodeQueue(const encoder::Encoder& encoder, std::int32_t threads,
                         std::int64_t tokens_max, const Clock& clock, telemetry::Metrics& metrics)
    : encoder_(encoder),
      thread_count_(threads),
      tokens_max_(tokens_max),
      clock_(clock),
      metrics_(metrics) {
  for (std::int32_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Compute(); });
}

EncodeQueue::~EncodeQueue() {
  waiting_.With([](Waiting& waiting) { waiting.stopping = true; });
  waiting_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

void EncodeQueue::Submit(std::vector<text::TokenIds> texts, Priority priority,
                         std::int64_t deadline_us, Done<encoder::Features> done, Gone gone,
                         Stages stages) {
  if (texts.empty()) return done(encoder::Features{});
  auto job = std::make_shared<Job>();
  const std::int64_t tokens = TokenCount(texts);
  const auto count = static_cast<std::int64_t>(texts.size());
  job->texts = std::move(texts);
  job->deadline_us = deadline_us;
  job->done = std::move(done);
  job->gone = std::move(gone);
  job->stages = std::move(stages);
  job->unfinished = count;
  job->features.embeddings.resize(job->texts.size() * encoder_.hidden_size());
  job->features.phi.resize(job->texts.size() * encoder_.feature_dim());

  if (job->stages) job->stages->End(telemetry::Stage::kTokenise, clock_.SteadyMicros());
  const bool is_long = count > 1 && tokens > kSliceTokens;
  const Row row = priority == Priority::kBulk ? kBulk : is_long ? kBatch : kShort;
  const Status status = waiting_.With([&](Waiting& waiting) -> Status {
    if (waiting.stopping) return {Code::kUnavailable, "the service is stopping"};
    if (waiting.tokens[row] >= tokens_max_) {
      return QueueFull(waiting.tokens[row], waiting.tokens_per_second);
    }
    waiting.tokens[row] += tokens;
    waiting.texts += count;
    if (row == kShort) waiting.last_short_us = clock_.SteadyMicros();
    waiting.jobs[row].push_back(job);
    metrics_.SetQueue(waiting.texts, waiting.all_tokens());
    return Status::Ok();
  });
  if (!status.ok()) {
    metrics_.CountQueueRejected();
    return job->done(status);
  }
  if (tokens > kSliceTokens) {
    waiting_.NotifyAll();
  } else {
    waiting_.NotifyOne();
  }
}

void EncodeQueue::Compute() {
  NameThread("ctt-encode");
  encoder::Encoder::Workspace workspace;
  for (;;) {
    // Held-back long work is looked at again when the short requests may have paused.
    waiting_.AwaitFor(kShortQuiet, [this](const Waiting& waiting) {
      return waiting.stopping || MayTake(waiting, kShort) || MayTake(waiting, kBatch) ||
             MayTake(waiting, kBulk);
    });
    Row row = kRows;
    bool ended = false;
    std::vector<Slice> slices = waiting_.With([&](Waiting& waiting) {
      ended = waiting.stopping && waiting.empty();
      row = ChooseRow(waiting);
      return row == kRows ? std::vector<Slice>() : TakeBatch(waiting, row);
    });
    if (ended) return;
    if (slices.empty()) continue;
    EncodeBatch(slices, workspace);
    if (row == kShort) continue;
    waiting_.With([](Waiting& waiting) { --waiting.long_running; });
    waiting_.NotifyOne();
  }
}

bool EncodeQueue::MayTake(const Waiting& waiting, Row row) const {
  if (waiting.jobs[row].empty()) return false;
  if (row == kShort || waiting.stopping) return true;
  const bool leaves_one = thread_count_ < 2 || waiting.long_running < thread_count_ - 1;
  return leaves_one || IsShortQuiet(waiting);
}

bool EncodeQueue::IsShortQuiet(const Waiting& waiting) const {
  return clock_.SteadyMicros() - waiting.last_short_us > kShortQuiet.count();
}

// What waits is shared out among the threads, which answers all of it sooner than one could.
std::int64_t EncodeQueue::ShortBatchTokens(const Waiting& waiting) const {
  return std::clamp(waiting.tokens[kShort] / thread_count_, kBatchTokensMin, kBatchTokensMax);
}

std::int64_t EncodeQueue::LongBatchTokens(const Waiting& waiting) const {
  if (waiting.last_short_us == 0) return kLongBatchTokensAlone;
  return IsShortQuiet(waiting) ? kLongBatchTokens : kLongBatchTokensBesideShort;
}

// kRows: nothing may be taken.
EncodeQueue::Row EncodeQueue::ChooseRow(Waiting& waiting) const {
  const std::int64_t turn = ++waiting.turns;
  if (turn % kBulkTurn == 0 && MayTake(waiting, kBulk)) return kBulk;
  if (turn % kBatchTurn == 1 && MayTake(waiting, kBatch)) return kBatch;
  for (const Row row : {kShort, kBatch, kBulk})
    if (MayTake(waiting, row)) return row;
  return kRows;
}

// Requests rotate, a slice of each. Bulk jobs go one after another: chunks of a stream that took
// turns would all end at once, and the compute threads would then wait for the learner.
std::vector<EncodeQueue::Slice> EncodeQueue::TakeBatch(Waiting& waiting, Row row) {
  std::vector<Slice> slices;
  if (row != kShort) ++waiting.long_running;
  std::deque<std::shared_ptr<Job>>& jobs = waiting.jobs[row];
  std::int64_t room = row == kShort ? ShortBatchTokens(waiting) : LongBatchTokens(waiting);
  while (room > 0 && !jobs.empty()) {
    const std::shared_ptr<Job> job = std::move(jobs.front());
    jobs.pop_front();
    Slice slice{job, job->next, job->next};
    if (job->stages && job->next == 0)
      job->stages->End(telemetry::Stage::kWait, clock_.SteadyMicros());
    std::int64_t slice_room = std::min(room, kSliceTokens);
    while (slice_room > 0 && slice.last < job->texts.size()) {
      const auto tokens = static_cast<std::int64_t>(job->texts[slice.last].ids.size());
      slice_room -= tokens;
      room -= tokens;
      waiting.tokens[row] -= tokens;
      waiting.texts -= 1;
      ++slice.last;
    }
    job->next = slice.last;
    if (job->next < job->texts.size()) row == kBulk ? jobs.push_front(job) : jobs.push_back(job);
    slices.push_back(std::move(slice));
  }
  metrics_.SetQueue(waiting.texts, waiting.all_tokens());
  return slices;
}

void EncodeQueue::EncodeBatch(std::vector<Slice>& slices, encoder::Encoder::Workspace& workspace) {
  const std::int64_t start_us = clock_.SteadyMicros();
  encoder::RaggedBatch batch;
  for (Slice& slice : slices) {
    Job& job = *slice.job;
    if (job.deadline_us != 0 && start_us > job.deadline_us) job.expired = true;
    slice.dropped = job.expired || (job.gone && job.gone->load());
    if (slice.dropped) continue;
    for (std::size_t i = slice.first; i < slice.last; ++i) batch.Add(job.texts[i].ids);
  }
  encoder::Features features;
  if (batch.text_count() > 0) {
    encoder_.Encode(batch, workspace, features);
    const std::int64_t micros = clock_.SteadyMicros() - start_us;
    metrics_.CountEncoded(batch.text_count(), batch.token_count(),
                          static_cast<double>(micros) * 1e-6);
    MeasureRate(batch.token_count(), micros);
  }

  const std::size_t hidden = encoder_.hidden_size();
  const std::size_t dim = encoder_.feature_dim();
  std::size_t row = 0;
  for (const Slice& slice : slices) {
    Job& job = *slice.job;
    const std::size_t count = slice.last - slice.first;
    if (!slice.dropped) {
      std::copy_n(features.embeddings.begin() + row * hidden, count * hidden,
                  job.features.embeddings.begin() + slice.first * hidden);
      std::copy_n(features.phi.begin() + row * dim, count * dim,
                  job.features.phi.begin() + slice.first * dim);
      row += count;
    }
    Finish(slice.job, static_cast<std::int64_t>(count));
  }
}

void EncodeQueue::MeasureRate(std::int64_t tokens, std::int64_t micros) {
  if (micros <= 0) return;
  const double rate =
      static_cast<double>(tokens * thread_count_) * 1e6 / static_cast<double>(micros);
  waiting_.With([rate](Waiting& waiting) {
    double& smoothed = waiting.tokens_per_second;
    smoothed = smoothed == 0 ? rate : smoothed + kRateWeight * (rate - smoothed);
  });
}

void EncodeQueue::Finish(const std::shared_ptr<Job>& job, std::int64_t texts) const {
  if (job->unfinished.fetch_sub(texts) != texts) return;
  if (job->expired) {
    metrics_.CountDeadlineExceeded();
    return job->done(Status(Code::kDeadlineExceeded, "the deadline passed before it was encoded"));
  }
  // Also when all of it was encoded: a part may have been dropped, and nobody waits for the rest.
  if (job->gone && job->gone->load())
    return job->done(Status(Code::kCancelled, "client_closed", "the client went away"));
  if (job->stages) job->stages->End(telemetry::Stage::kEncode, clock_.SteadyMicros());
  job->done(std::move(job->features));
}

}  // namespace ctt::service
