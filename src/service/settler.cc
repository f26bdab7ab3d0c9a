#include "service/settler.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/thread.h"
#include "learn/solve.h"

namespace ctt::service {
namespace {

// A task that never rests is settled at the latest this long after its first unsettled lesson.
constexpr std::int64_t kLatestUs = 10'000'000;
// What a process has more time for to settle what it learned, than others.
constexpr std::int64_t kElsewhereUs = 10'000'000;
// How often lessons may overtake a run that somebody waits for before it answers false.
constexpr int kRunsMax = 5;

}  // namespace

Settler::Settler(Stores stores, std::int64_t delay_ms, int urgent_threads, const Clock& clock,
                 telemetry::Metrics& metrics)
    : stores_(stores),
      delay_us_(delay_ms < 0 ? -1 : delay_ms * 1000),
      urgent_threads_(urgent_threads),
      clock_(clock),
      metrics_(metrics) {}

Settler::~Settler() { Stop(); }

void Settler::Stop() {
  stopping_ = true;
  auto urgent = plans_.With([](Plans& plans) {
    plans.stopping = true;
    return std::exchange(plans.urgent, {});
  });
  plans_.NotifyAll();
  if (thread_.joinable()) thread_.join();
  for (auto& [task, waiting] : urgent)
    for (Done<bool>& done : waiting) done(Status(Code::kUnavailable, "the service is stopping"));
}

void Settler::Start(Learner& learner) {
  learner_ = &learner;
  thread_ = std::thread([this] { Run(); });
}

void Settler::Touch(store::TaskId task, bool elsewhere) {
  if (delay_us_ < 0) return;
  const std::int64_t now_us = clock_.SteadyMicros() + (elsewhere ? kElsewhereUs : 0);
  plans_.With([&](Plans& plans) {
    Plan& plan = plans.due[task];
    if (plan.first_us == 0 || now_us < plan.first_us) plan.first_us = now_us;
    plan.due_us = std::min(now_us + delay_us_, plan.first_us + kLatestUs);
  });
  plans_.NotifyAll();
}

void Settler::SettleNow(store::TaskId task, Done<bool> done) {
  const bool accepted = plans_.With([&](Plans& plans) {
    if (plans.stopping) return false;
    plans.urgent[task].push_back(done);
    return true;
  });
  if (!accepted) return done(Status(Code::kUnavailable, "the service is stopping"));
  plans_.NotifyAll();
}

void Settler::Run() {
  NameThread("ctt-settle");
  YieldToAnswers();
  for (;;) {
    std::vector<Done<bool>> waiting;
    std::optional<store::TaskId> task;
    std::int64_t next_us = clock_.SteadyMicros() + 3'600'000'000;
    const bool stop = plans_.With([&](Plans& plans) {
      if (!plans.urgent.empty()) {
        auto node = plans.urgent.extract(plans.urgent.begin());
        task = node.key();
        waiting = std::move(node.mapped());
      } else {
        for (const auto& [id, plan] : plans.due) {
          if (plan.due_us <= clock_.SteadyMicros()) task = id;
          next_us = std::min(next_us, plan.due_us);
        }
      }
      if (task) plans.due.erase(*task);
      return plans.stopping;
    });
    if (stop) return;
    if (!task) {
      plans_.AwaitFor(
          std::chrono::microseconds(next_us - clock_.SteadyMicros()), [&](const Plans& plans) {
            return plans.stopping || !plans.urgent.empty() ||
                   std::any_of(plans.due.begin(), plans.due.end(),
                               [&](const auto& row) { return row.second.due_us < next_us; });
          });
      continue;
    }
    const int threads = waiting.empty() ? 1 : urgent_threads_;
    Result<bool> settled = SettleTask(*task, threads);
    for (int run = 1; !waiting.empty() && settled.ok() && !*settled && run < kRunsMax; ++run)
      settled = SettleTask(*task, threads);
    if (!settled.ok() && settled.status().code() != Code::kCancelled &&
        settled.status().code() != Code::kNotFound) {
      stores_.events.Write(
          telemetry::LogLevel::kError, "settle_failed",
          {{"task", *task}, {"why", std::string_view(settled.status().message())}});
    }
    const bool database_gone = settled.status().code() == Code::kUnavailable;
    if (database_gone || (settled.ok() && !*settled)) Touch(*task, database_gone);
    for (Done<bool>& done : waiting) done(settled);
  }
}

// False: lessons came in while it ran; the learner took over the choices only.
Result<bool> Settler::SettleTask(store::TaskId task, int threads) {
  const std::int64_t start_us = clock_.SteadyMicros();
  CTT_ASSIGN_OR_RETURN(const Learner::Snapshot snapshot,
                       Wait<Learner::Snapshot>([&](Done<Learner::Snapshot> done) {
                         learner_->TakeSnapshot(task, std::move(done));
                       }));
  if (snapshot.settled || snapshot.statistics == nullptr) return true;
  CTT_ASSIGN_OR_RETURN(const learn::Rows rows, RowsAt(stores_.log, task, snapshot.watermark));
  learn::SettleOptions options;
  options.prior = snapshot.prior;
  options.threads = threads;
  CTT_ASSIGN_OR_RETURN(learn::Settled settled,
                       learn::Settle(*snapshot.statistics, rows, options, &stopping_));
  CTT_ASSIGN_OR_RETURN(const bool published, Wait<bool>([&](Done<bool> done) {
                         learner_->Adopt(task, snapshot.watermark, std::move(settled),
                                         std::move(done));
                       }));
  metrics_.ObserveSettle(static_cast<double>(clock_.SteadyMicros() - start_us) * 1e-6);
  return published;
}

}  // namespace ctt::service
