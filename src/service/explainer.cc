#include "service/explainer.h"

#include <optional>
#include <utility>

#include "learn/neighbours.h"

namespace ctt::service {
namespace {

constexpr std::size_t kNearest = 5;
constexpr std::size_t kQueueMax = 64;

}  // namespace

Explainer::Explainer(Stores stores) : stores_(stores), thread_([this] { Run(); }) {}

Explainer::~Explainer() { Stop(); }

void Explainer::Stop() {
  queue_.With([](Queue& queue) { queue.stopping = true; });
  queue_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

void Explainer::Explain(std::shared_ptr<const ServedTask> task, std::vector<std::int8_t> phi,
                        PredictAnswer answer, Done<PredictAnswer> done) {
  Job job{std::move(task), std::move(phi), std::move(answer), std::move(done)};
  const Status accepted = queue_.With([&](Queue& queue) -> Status {
    if (queue.stopping) return {Code::kUnavailable, "the service is stopping"};
    if (queue.jobs.size() >= kQueueMax)
      return {Code::kResourceExhausted, "queue_full", "too many explanations are under way"};
    queue.jobs.push_back(std::move(job));
    return Status::Ok();
  });
  if (!accepted.ok()) return job.done(accepted);
  queue_.NotifyOne();
}

void Explainer::Run() {
  for (;;) {
    std::optional<Job> job =
        queue_.Await([](const Queue& queue) { return queue.stopping || !queue.jobs.empty(); },
                     [](Queue& queue) -> std::optional<Job> {
                       if (queue.jobs.empty()) return std::nullopt;
                       Job first = std::move(queue.jobs.front());
                       queue.jobs.pop_front();
                       return first;
                     });
    if (!job) return;
    const Status status = AddNearest(*job);
    if (status.ok())
      job->done(std::move(job->answer));
    else
      job->done(status);
  }
}

Status Explainer::AddNearest(Job& job) const {
  const ServedTask& task = *job.task;
  std::vector<std::string> ids;
  CTT_ASSIGN_OR_RETURN(const learn::Rows rows, RowsAt(stores_.log, task.id, task.watermark, &ids));
  CTT_ASSIGN_OR_RETURN(const LabelNames names, NamesNow(stores_.log, task.id));
  const auto dim = static_cast<std::size_t>(task.head->feature_dim());
  const learn::Columns columns =
      learn::BlockColumns(task.head->settings().block, task.head->feature_dim());
  for (std::size_t i = 0; i < job.answer.texts.size(); ++i) {
    std::vector<NearExample>& nearest = job.answer.texts[i].explanation->nearest;
    for (const learn::Neighbour& near :
         learn::NearestRows({job.phi.data() + i * dim, dim}, rows.phi, columns, kNearest)) {
      NearExample example{ids[near.row], std::nullopt, {}, near.distance, {}, {}};
      CTT_ASSIGN_OR_RETURN(auto stored, stores_.log.FindExample(task.id, example.id));
      if (!stored) continue;  // It was unlearned a moment ago.
      CTT_RETURN_IF_ERROR(Say(*stored, names, example));
      example.text = std::move(stored->text);
      nearest.push_back(std::move(example));
    }
  }
  return Status::Ok();
}

}  // namespace ctt::service
