#pragma once
// Service: the product's verbs over one data directory and one encoder. HTTP and the CLI only
// translate to and from it.
//
//   predict:  text -> tokens -> encode queue -> compute thread -> head of the task -> answer
//   learn:    rows -> tokens -> encode queue -> learner thread: sums, solve, commit, publish ->
//   answer settle:   background thread: rows at a watermark -> leave-one-out choices -> new version
//
// A lesson is acknowledged after it is durable and in the served head. Prediction never waits for
// learning: it reads the published head of its task.
//
// Threads: every call is safe from any thread. The verbs with a Done return at once, those without
// one block on the database or the encoder: call them from a thread that may wait.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "encoder/encoder.h"
#include "learn/kind_metrics.h"
#include "learn/metrics.h"
#include "service/audit.h"
#include "service/key_ring.h"
#include "service/location.h"
#include "service/types.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

namespace ctt::service {

struct Limits {
  std::int64_t text_chars_max = 10'000;  // Unicode code points of one text.
  std::int64_t label_bytes_max = 256;
  std::int64_t id_bytes_max = 256;
  std::int64_t labels_max = 10'000;        // Of one task.
  std::int64_t queue_tokens_max = 65'536;  // Waiting to be encoded, interactive requests.
};

struct ServiceOptions {
  Location data;
  std::filesystem::path model_folder;
  std::filesystem::path backup_folder;  // Empty: none.
  encoder::Engine engine = encoder::Engine::kI8;
  std::int32_t tokens_max = 256;
  std::int32_t threads = 0;  // Compute threads; 0: one a core.
  Limits limits;
  std::int64_t settle_delay_ms =
      500;  // Quiet time after a lesson before choices are made anew; -1: only on Settle().
};

// By the kind of the task.
using Evaluation = std::variant<learn::Metrics, learn::LabelwiseMetrics, learn::NumberMetrics>;

// A task name is 1 to 128 of [A-Za-z0-9_.:-], not starting with '.'. kInvalidArgument
// ("bad_task_name").
Status CheckTaskName(std::string_view name);

class Service {
 public:
  // Loads the encoder, opens the data directory, brings every task to its last published head.
  // kFailedPrecondition ("locked"): another process holds the directory; ("other_encoder"): the
  // directory was learned with another encoder_id.
  // `clock`, `metrics` and `log` must outlive the service.
  static Result<std::unique_ptr<Service>> Start(const ServiceOptions& options, const Clock& clock,
                                                telemetry::Metrics& metrics, telemetry::Log& log);
  // Answers what was accepted, then stops.
  ~Service();

  // kNotFound ("task_not_found", with the near names; "version_not_found", "alias_not_found"),
  // kFailedPrecondition ("task_empty", "nothing_published"), kTooLarge ("text_too_long",
  // "too_many_tokens"), kInvalidArgument ("empty_text", "bad_top_k", "out_of_range"),
  // kResourceExhausted
  // ("queue_full"), kDeadlineExceeded.
  void Predict(std::string task, std::vector<std::string> texts, const PredictOptions& options,
               Done<PredictAnswer> done);

  // What the encoder says of texts, whatever the tasks. Waits in the same queue as Predict, with
  // its errors.
  void Embed(const std::vector<std::string>& texts, const EmbedOptions& options,
             Done<EmbedAnswer> done);

  // The one task there is among those that the caller may name. kInvalidArgument ("task_not_named",
  // with some names): there are several; kNotFound ("task_not_found"): there is none.
  Result<std::string> OnlyTask(const Caller& caller) const;

  // As Predict, when the caller does not know the task: chosen among those of `group` ("": all)
  // that the caller may name and that have learned something. options.top_k bounds tasks and labels
  // alike; no version, no explanation. kNotFound ("group_not_found").
  void Route(std::vector<std::string> texts, const std::string& group, const Caller& caller,
             const PredictOptions& options, Done<RouteAnswer> done);

  // All rows or none: one bad row refuses the call, and the message says which ("row 3: ...").
  // kInvalidArgument also ("mixed_kinds", "other_kind"): rows say things of different kinds, or of
  // another kind than the task's.
  void Learn(std::string task, std::vector<LearnRow> rows, const LearnOptions& options,
             Done<LearnAnswer> done);

  // As Learn, of rows whose features are known: nothing is encoded, so that what another store
  // learned is learned here by addition. REQUIRES: an encoder with this one's encoder_id made them.
  // kInvalidArgument ("bad_features"): a row has another number of them.
  void LearnEncoded(std::string task, std::vector<EncodedRow> rows, const LearnOptions& options,
                    Done<LearnAnswer> done);

  // Calls begin(), and then visit(row) for every example of the task as of one instant. One that
  // answers not ok ends the export with that status.
  Status Export(const std::string& task, const std::function<Status(const TaskExport&)>& begin,
                const std::function<Status(EncodedRow row)>& visit);

  // Learns what labels are called, or what they are about, as examples of them
  // (service/label_descriptions.h); an earlier description is replaced. As Learn, and kTooLarge
  // ("label_too_long").
  void DescribeLabels(std::string task, const std::vector<LabelDescription>& labels,
                      Done<LearnAnswer> done, const Origin& origin = {});
  // In byte order of the names.
  Result<std::vector<LabelInfo>> Labels(const std::string& task);

  // kNotFound ("example_not_found") when none of the ids is held.
  void Unlearn(std::string task, std::vector<std::string> ids, Done<UnlearnAnswer> done,
               const Origin& origin = {});

  // The same for the examples that fit `filter`. kNotFound ("example_not_found"): none does.
  void UnlearnWhere(std::string task, ExampleFilter filter, Done<UnlearnAnswer> done,
                    const Origin& origin = {});

  // Erases what was unlearned: text, features, id and source of every such row, from the files too,
  // with the artefacts of the versions that had learned it. Those can never be served again.
  // kFailedPrecondition ("live_holds_purged"): the live version is one of them.
  Result<PurgeAnswer> Purge(const std::string& task, const Origin& origin = {});

  // Computes sums and live head again from the log.
  Result<VerifyAnswer> Verify(const std::string& task);

  // A copy of the data directory as of one instant in options.backup_folder; see store/backup.h.
  // kFailedPrecondition ("no_backup_folder").
  Result<BackupAnswer> Backup();

  // Blocks until the task's choices are made for all that it holds now; the new (or present)
  // version.
  Result<TaskInfo> Settle(const std::string& task);

  // kAlreadyExists ("task_exists").
  // Without a kind, the first example tells it.
  Result<TaskInfo> CreateTask(const std::string& name, const Origin& origin = {},
                              std::optional<learn::TaskKind> kind = std::nullopt);
  // All of the change or none. kAlreadyExists ("task_exists"), kInvalidArgument ("bad_task_name",
  // "out_of_range", "bad_group_name", "too_many_groups").
  Result<TaskInfo> ChangeTask(const std::string& task, const TaskChange& change,
                              const Origin& origin = {});
  Status DeleteTask(const std::string& task, const Origin& origin = {});
  // A label's rename, merge, split or deletion, served when it answers; see LabelEdit. kNotFound
  // ("label_not_found"; "example_not_found", and then nothing is split), kAlreadyExists
  // ("label_exists"), kInvalidArgument ("same_label", "empty_label").
  Result<TaskInfo> EditLabels(const std::string& task, const LabelEdit& edit,
                              const Origin& origin = {});
  Result<TaskInfo> ShowTask(const std::string& task);
  // The last version, live or not, that this process knows of a task; 0: none. Does not wait.
  std::int64_t KnownVersion(const std::string& task) const;
  std::vector<TaskInfo> ListTasks();  // By name.

  Result<std::vector<VersionInfo>> Versions(const std::string& task);  // Newest first.
  // Points "live", "canary" or "shadow" at a version. To "live" it is to publish, or to roll back,
  // which holds until the next lesson publishes on top of all examples again. kNotFound
  // ("alias_not_found", "version_not_found"), kFailedPrecondition ("alias_moved",
  // "alias_read_only"), kInvalidArgument ("bad_share").
  Result<TaskInfo> SetAlias(const std::string& task, const AliasChange& change,
                            const Origin& origin = {});
  Result<TaskInfo> RemoveAlias(const std::string& task, const std::string& alias,
                               const Origin& origin = {});
  // kInvalidArgument ("out_of_range"): the fall is no number from 0 to 1.
  Result<TaskInfo> SetPublishing(const std::string& task, const Publishing& publishing,
                                 const Origin& origin = {});

  Result<ExampleInfoPage> PageExamples(const std::string& task, std::int64_t after,
                                       std::int32_t limit);
  Result<ExampleInfo> FindExample(const std::string& task, const std::string& id);

  // `out_of_scope` are texts of no label, to measure the scope decision with; may be empty. The
  // figures are those of the task's kind. kInvalidArgument ("other_kind"): a row says something
  // of another kind; ("not_for_this_kind"): adjust_prior, as in PredictOptions and over all rows,
  // of a task that is not single-label.
  Result<Evaluation> Evaluate(const std::string& task, const std::vector<EvaluateRow>& rows,
                              const std::vector<std::string>& out_of_scope, bool adjust_prior);

  // What is odd about the examples of a task: the served head's choices, every example that is
  // held. Each list shows at most `shown_max`. kFailedPrecondition ("task_empty",
  // "not_for_this_kind": the task is not single-label).
  Result<AuditAnswer> AuditExamples(const std::string& task, std::size_t shown_max);

  // Which of the texts to label next, the most telling first (learn/suggest.h). As Predict.
  Result<std::vector<Suggestion>> Suggest(const std::string& task,
                                          const std::vector<std::string>& texts,
                                          const SuggestOptions& options);

  KeyRing& keys();
  // At most `limit` writes after the one with the number `after`, in their order.
  Result<std::vector<AuditInfo>> Audit(std::int64_t after, std::int32_t limit);

  ModelInfo model() const;
  const Limits& limits() const;
  const encoder::Encoder& encoder() const;

 private:
  struct State;
  explicit Service(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// For callers that may wait: runs a verb with a Done and returns its answer.
template <typename T>
Result<T> Wait(const std::function<void(Done<T>)>& verb);

}  // namespace ctt::service

#include <future>

template <typename T>
ctt::Result<T> ctt::service::Wait(const std::function<void(Done<T>)>& verb) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  verb([promise](Result<T> answer) { promise->set_value(std::move(answer)); });
  return promise->get_future().get();
}
