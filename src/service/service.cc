#include "service/service.h"

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>

#include "service/catalog.h"
#include "service/encode_queue.h"
#include "service/learner.h"
#include "service/settler.h"
#include "service/validate.h"
#include "service/verify.h"
#include "store/backup.h"
#include "store/data_directory.h"

namespace ctt::service {
namespace {

// Texts that a blocking verb encodes at a time: the features of 10,000 rows need not wait in
// memory.
constexpr std::size_t kChunkTexts = 1024;

std::int32_t ThreadCount(std::int32_t asked) {
  if (asked > 0) return asked;
  return std::max(1, static_cast<std::int32_t>(std::thread::hardware_concurrency()));
}

TaskInfo Describe(const ServedTask& task) {
  TaskInfo info;
  info.name = task.name;
  info.examples = task.examples;
  for (const auto& [label, count] : task.label_counts) info.labels.push_back({label, count});
  info.head_version = task.version;
  info.settled = task.settled;
  info.head_digest = task.head_digest;
  info.created_us = task.created_us;
  info.updated_us = task.updated_us;
  info.publishing = task.publishing;
  const auto add = [&](std::string_view alias, std::int64_t version, double share) {
    if (version > 0) info.aliases.push_back({std::string(alias), version, share});
  };
  add(kLiveAlias, task.version, 0);
  add(kPreviousAlias, task.previous, 0);
  add(kCanaryAlias, task.canary.number, task.canary_share);
  add(kShadowAlias, task.shadow.number, 0);
  if (task.head == nullptr) return info;
  info.head = learn::HeadKindName(task.head->settings().kind);
  info.block = learn::BlockName(task.head->settings().block);
  return info;
}

Status NothingToAnswer(const ServedTask& task) {
  if (task.examples > 0) {
    return {Code::kFailedPrecondition, "nothing_published",
            "no version of task '" + task.name + "' has been published yet"};
  }
  return {Code::kFailedPrecondition, "task_empty",
          "task '" + task.name + "' has learned no example yet"};
}

// Where a key stands in [0, 1), evenly and the same at every call.
double PlaceOf(const std::string& task, const std::string& key) {
  const Digest digest = Sha256(task + "\n" + key);
  std::uint64_t place = 0;
  for (int i = 0; i < 8; ++i) place = place << 8 | digest[static_cast<std::size_t>(i)];
  return static_cast<double>(place >> 11) * 0x1p-53;
}

bool GoesToCanary(const ServedTask& task, const PredictOptions& options) {
  return task.canary.number > 0 && !options.key.empty() &&
         PlaceOf(task.name, options.key) < task.canary_share;
}

TextAnswer Answer(const learn::Head& head, std::span<const std::int8_t> phi, bool truncated,
                  std::int32_t top_k) {
  const learn::Prediction prediction = head.Predict(phi);
  TextAnswer answer;
  const std::size_t count =
      std::min<std::size_t>(prediction.ranked.size(), static_cast<std::size_t>(top_k));
  for (std::size_t i = 0; i < count; ++i) {
    const learn::LabelProbability& row = prediction.ranked[i];
    answer.ranked.push_back({head.labels()[row.label], row.probability});
  }
  answer.scope_score = prediction.scope_score;
  answer.in_scope = prediction.in_scope;
  answer.margin = prediction.margin;
  answer.truncated = truncated;
  return answer;
}

}  // namespace

// Members stand in the order of their making; they go in the reverse one, so that whoever calls
// another is gone before it.
struct Service::State {
  ServiceOptions options;
  const Clock& clock;
  telemetry::Metrics& metrics;
  std::unique_ptr<const encoder::Encoder> encoder;
  store::DataDirectory data;
  Stores stores;
  Catalog catalog;
  std::unique_ptr<Settler> settler;
  std::unique_ptr<Learner> learner;
  std::unique_ptr<EncodeQueue> queue;
  std::mutex backing_up;

  State(const ServiceOptions& given, const Clock& given_clock, telemetry::Metrics& given_metrics,
        telemetry::Log& given_log, std::unique_ptr<const encoder::Encoder> loaded,
        store::DataDirectory opened)
      : options(given),
        clock(given_clock),
        metrics(given_metrics),
        encoder(std::move(loaded)),
        data(std::move(opened)),
        stores{data.store(), data.artifacts(), given_log} {}

  ~State() {
    queue.reset();  // Its answers reach the learner.
    if (settler != nullptr) settler->Stop();
    learner.reset();  // Its last commits still touch the settler.
  }

  Status BindEncoder();
  Status Open();
  std::vector<text::TokenIds> Tokenize(const std::vector<std::string>& texts) const;
  Result<ServedVersion> FindVersion(const ServedTask& task, std::int64_t version) const;
  Result<ServedVersion> FindAlias(const ServedTask& task, const std::string& alias) const;
  Result<ServedVersion> Choose(const ServedTask& task, const PredictOptions& options) const;
  void CountShadow(const ServedTask& task, std::span<const std::int8_t> phi,
                   const std::string& answered) const;
  Result<encoder::Features> EncodeNow(std::vector<text::TokenIds> texts);
};

// A data directory holds features of one encoder only.
Status Service::State::BindEncoder() {
  CTT_ASSIGN_OR_RETURN(const auto bound, stores.log.Meta("encoder_id"));
  if (bound && *bound == encoder->encoder_id()) return Status::Ok();
  if (bound) {
    return {Code::kFailedPrecondition, "other_encoder",
            data.folder().string() + " was learned with another encoder, model or engine (" +
                bound->substr(0, 12) + "; this one is " + encoder->encoder_id().substr(0, 12) +
                "): start with that one, or with another data directory"};
  }
  CTT_ASSIGN_OR_RETURN(const auto transaction, stores.log.Begin());
  CTT_RETURN_IF_ERROR(transaction->SetMeta("encoder_id", encoder->encoder_id()));
  return transaction->Commit();
}

Status Service::State::Open() {
  CTT_RETURN_IF_ERROR(BindEncoder());
  settler = std::make_unique<Settler>(stores, options.settle_delay_ms, ThreadCount(options.threads),
                                      clock, metrics);
  learner = std::make_unique<Learner>(stores, catalog, encoder->feature_dim(),
                                      options.limits.labels_max, clock, metrics,
                                      [this](store::TaskId task) { settler->Touch(task); });
  CTT_RETURN_IF_ERROR(learner->OpenTasks());
  settler->Start(*learner);
  queue = std::make_unique<EncodeQueue>(*encoder, ThreadCount(options.threads),
                                        options.limits.queue_tokens_max, clock, metrics);
  return Status::Ok();
}

std::vector<text::TokenIds> Service::State::Tokenize(const std::vector<std::string>& texts) const {
  std::vector<text::TokenIds> tokens;
  tokens.reserve(texts.size());
  for (const std::string& text : texts)
    tokens.push_back(encoder->tokenizer().Encode(text, encoder->tokens_max()));
  return tokens;
}

Result<ServedVersion> Service::State::FindVersion(const ServedTask& task,
                                                  std::int64_t version) const {
  if (version == task.version && task.head != nullptr) return ServedVersion{version, task.head};
  for (const ServedVersion* beside : {&task.canary, &task.shadow})
    if (version == beside->number && version > 0) return *beside;
  CTT_ASSIGN_OR_RETURN(const auto record, stores.log.FindVersion(task.id, version));
  if (!record || record->examples == 0) {
    return Status(
        Code::kNotFound, "version_not_found",
        "task '" + task.name + "' has no version " + std::to_string(version) + " to answer with");
  }
  CTT_ASSIGN_OR_RETURN(auto head, LoadHead(stores, task.id, *record, encoder->feature_dim()));
  return ServedVersion{version, std::move(head)};
}

Result<ServedVersion> Service::State::FindAlias(const ServedTask& task,
                                                const std::string& alias) const {
  std::int64_t version = 0;
  for (const AliasInfo& known : Describe(task).aliases)
    if (known.name == alias) version = known.version;
  if (version > 0) return FindVersion(task, version);
  return Status(Code::kNotFound, "alias_not_found",
                "task '" + task.name + "' has no alias '" + alias.substr(0, 200) + "'");
}

Result<ServedVersion> Service::State::Choose(const ServedTask& task,
                                             const PredictOptions& options) const {
  if (options.version) return FindVersion(task, *options.version);
  if (!options.alias.empty()) return FindAlias(task, options.alias);
  if (GoesToCanary(task, options)) return task.canary;
  if (task.head == nullptr) return NothingToAnswer(task);
  return ServedVersion{task.version, task.head};
}

void Service::State::CountShadow(const ServedTask& task, std::span<const std::int8_t> phi,
                                 const std::string& answered) const {
  const learn::Head& shadow = *task.shadow.head;
  const std::int32_t first = shadow.Predict(phi).ranked.front().label;
  metrics.CountShadow(task.name, shadow.labels()[static_cast<std::size_t>(first)] == answered);
}

Result<encoder::Features> Service::State::EncodeNow(std::vector<text::TokenIds> texts) {
  return Wait<encoder::Features>([&](Done<encoder::Features> done) {
    queue->Submit(std::move(texts), Priority::kBulk, 0, std::move(done));
  });
}

Result<std::unique_ptr<Service>> Service::Start(const ServiceOptions& options, const Clock& clock,
                                                telemetry::Metrics& metrics, telemetry::Log& log) {
  const std::int64_t start_us = clock.SteadyMicros();
  encoder::EncoderOptions encoder_options;
  encoder_options.engine = options.engine;
  encoder_options.tokens_max = options.tokens_max;
  CTT_ASSIGN_OR_RETURN(auto encoder, encoder::Encoder::Load(options.model_folder, encoder_options));
  metrics.ObserveModelLoad(static_cast<double>(clock.SteadyMicros() - start_us) * 1e-6);
  CTT_ASSIGN_OR_RETURN(store::DataDirectory data, store::DataDirectory::Open(options.data_folder));
  auto state =
      std::make_unique<State>(options, clock, metrics, log, std::move(encoder), std::move(data));
  CTT_RETURN_IF_ERROR(state->Open());
  return std::unique_ptr<Service>(new Service(std::move(state)));
}

Service::Service(std::unique_ptr<State> state) : state_(std::move(state)) {}
Service::~Service() = default;

void Service::Predict(std::string task, std::vector<std::string> texts,
                      const PredictOptions& options, Done<PredictAnswer> done) {
  if (options.top_k < 1)
    return done(Status(Code::kInvalidArgument, "bad_top_k", "'top_k' must be at least 1"));
  if (const Status status = CheckTexts(texts, state_->options.limits); !status.ok())
    return done(status);
  const auto served = state_->catalog.Find(task);
  if (!served.ok()) return done(served.status());
  auto chosen = state_->Choose(**served, options);
  if (!chosen.ok()) return done(chosen.status());
  const bool named = options.version || !options.alias.empty();

  std::vector<text::TokenIds> tokens = state_->Tokenize(texts);
  std::vector<bool> truncated;
  for (const text::TokenIds& ids : tokens) truncated.push_back(ids.truncated);
  const std::int64_t deadline_us = state_->clock.SteadyMicros() + options.timeout_ms * 1000;
  auto answer_all = [this, served = *served, chosen = *std::move(chosen), named,
                     truncated = std::move(truncated), top_k = options.top_k,
                     done = std::move(done)](Result<encoder::Features> features) {
    if (!features.ok()) return done(features.status());
    PredictAnswer answer{served->name, chosen.number, {}};
    const std::size_t dim = state_->encoder->feature_dim();
    const bool is_canary = !named && chosen.number == served->canary.number;
    for (std::size_t i = 0; i < truncated.size(); ++i) {
      const std::span<const std::int8_t> phi(features->phi.data() + i * dim, dim);
      answer.texts.push_back(Answer(*chosen.head, phi, truncated[i], top_k));
      const TextAnswer& text = answer.texts.back();
      state_->metrics.CountPrediction(served->name, text.in_scope);
      if (is_canary) state_->metrics.CountCanary(served->name);
      if (!named && served->shadow.number > 0)
        state_->CountShadow(*served, phi, text.ranked.front().label);
    }
    done(std::move(answer));
  };
  state_->queue->Submit(std::move(tokens), Priority::kSingle, deadline_us, std::move(answer_all));
}

void Service::Learn(std::string task, std::vector<LearnRow> rows, const LearnOptions& options,
                    Done<LearnAnswer> done) {
  Status status = CheckTaskName(task);
  if (status.ok()) status = CheckRows(rows, state_->options.limits);
  if (status.ok() && !options.create_task) status = state_->catalog.Find(task).status();
  if (!status.ok()) return done(status);

  std::vector<text::TokenIds> tokens;
  for (const LearnRow& row : rows)
    tokens.push_back(state_->encoder->tokenizer().Encode(row.text, state_->encoder->tokens_max()));
  auto learn = [this, task = std::move(task), rows = std::move(rows), options,
                done = std::move(done)](Result<encoder::Features> features) mutable {
    if (!features.ok()) return done(features.status());
    const std::size_t dim = state_->encoder->feature_dim();
    std::vector<EncodedRow> encoded;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto phi = features->phi.begin() + static_cast<std::ptrdiff_t>(i * dim);
      encoded.push_back({std::move(rows[i]), {phi, phi + static_cast<std::ptrdiff_t>(dim)}});
    }
    state_->learner->Learn(std::move(task), std::move(encoded), std::move(options),
                           std::move(done));
  };
  state_->queue->Submit(std::move(tokens), options.bulk ? Priority::kBulk : Priority::kSingle, 0,
                        std::move(learn));
}

void Service::Unlearn(std::string task, std::vector<std::string> ids, Done<UnlearnAnswer> done) {
  if (ids.empty()) return done(Status(Code::kInvalidArgument, "empty_request", "no id was given"));
  state_->learner->Unlearn(std::move(task), std::move(ids), std::move(done));
}

void Service::UnlearnWhere(std::string task, ExampleFilter filter, Done<UnlearnAnswer> done) {
  if (!filter.label && !filter.source && !filter.since_us && !filter.before_us)
    return done(Status(Code::kInvalidArgument, "empty_request", "the filter names nothing"));
  state_->learner->UnlearnWhere(std::move(task), std::move(filter), std::move(done));
}

Result<BackupAnswer> Service::Backup() {
  const std::filesystem::path& target = state_->options.backup_folder;
  if (target.empty()) {
    return Status(Code::kFailedPrecondition, "no_backup_folder",
                  "the server was started without --backups, the folder for backups");
  }
  const std::lock_guard one_at_a_time(state_->backing_up);
  CTT_ASSIGN_OR_RETURN(const store::BackupReport report,
                       store::WriteBackup(state_->stores.log, state_->stores.artifacts, target,
                                          state_->clock.UnixMicros()));
  return BackupAnswer{target.string(), report.database, report.database_bytes, report.artifacts,
                      report.artifacts_copied};
}

Result<PurgeAnswer> Service::Purge(const std::string& task) {
  return Wait<PurgeAnswer>(
      [&](Done<PurgeAnswer> done) { state_->learner->Purge(task, std::move(done)); });
}

Result<VerifyAnswer> Service::Verify(const std::string& task) {
  CTT_ASSIGN_OR_RETURN(const auto served, state_->catalog.Find(task));
  CTT_ASSIGN_OR_RETURN(const auto sums,
                       Wait<Learner::SumsDigest>([&](Done<Learner::SumsDigest> done) {
                         state_->learner->DigestSums(task, std::move(done));
                       }));
  return VerifyTask(state_->stores, *served, sums, state_->encoder->feature_dim());
}

Result<TaskInfo> Service::Settle(const std::string& task) {
  CTT_ASSIGN_OR_RETURN(const auto served, state_->catalog.Find(task));
  CTT_ASSIGN_OR_RETURN(const bool settled, Wait<bool>([&](Done<bool> done) {
                         state_->settler->SettleNow(served->id, std::move(done));
                       }));
  if (!settled) {
    return Status(Code::kUnavailable, "still_learning",
                  "lessons keep arriving; the task settles when they pause");
  }
  return ShowTask(task);
}

Result<TaskInfo> Service::CreateTask(const std::string& name) {
  CTT_RETURN_IF_ERROR(CheckTaskName(name));
  CTT_RETURN_IF_ERROR(Wait<bool>([&](Done<bool> done) {
                        state_->learner->CreateTask(name, std::move(done));
                      }).status());
  return ShowTask(name);
}

Status Service::RenameTask(const std::string& task, const std::string& name) {
  CTT_RETURN_IF_ERROR(CheckTaskName(name));
  return Wait<bool>(
             [&](Done<bool> done) { state_->learner->RenameTask(task, name, std::move(done)); })
      .status();
}

Status Service::DeleteTask(const std::string& task) {
  return Wait<bool>([&](Done<bool> done) { state_->learner->DeleteTask(task, std::move(done)); })
      .status();
}

Result<TaskInfo> Service::EditLabels(const std::string& task, const LabelEdit& edit) {
  if (edit.kind != LabelEdit::Kind::kDelete)
    CTT_RETURN_IF_ERROR(CheckLabel(edit.to, state_->options.limits));
  if (edit.kind == LabelEdit::Kind::kSplit && edit.ids.empty())
    return Status(Code::kInvalidArgument, "empty_request", "no id was given");
  CTT_RETURN_IF_ERROR(Wait<bool>([&](Done<bool> done) {
                        state_->learner->EditLabels(task, edit, std::move(done));
                      }).status());
  return ShowTask(task);
}

Result<TaskInfo> Service::ShowTask(const std::string& task) {
  CTT_ASSIGN_OR_RETURN(const auto served, state_->catalog.Find(task));
  return Describe(*served);
}

std::vector<TaskInfo> Service::ListTasks() {
  std::vector<TaskInfo> tasks;
  for (const auto& served : state_->catalog.List()) tasks.push_back(Describe(*served));
  return tasks;
}

Result<std::vector<VersionInfo>> Service::Versions(const std::string& task) {
  CTT_ASSIGN_OR_RETURN(const auto served, state_->catalog.Find(task));
  CTT_ASSIGN_OR_RETURN(const auto versions, state_->stores.log.Versions(served->id));
  const std::vector<AliasInfo> aliases = Describe(*served).aliases;
  std::vector<VersionInfo> list;
  for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
    VersionInfo& info = list.emplace_back();
    info.number = version->number;
    info.live = version->number == served->version;
    for (const AliasInfo& alias : aliases)
      if (alias.version == version->number) info.aliases.push_back(alias.name);
    info.settled = version->settled;
    info.examples = version->examples;
    info.head_digest = version->head_digest;
    info.report = version->report;
    info.created_us = version->created_us;
  }
  return list;
}

Result<TaskInfo> Service::SetAlias(const std::string& task, const AliasChange& change) {
  CTT_RETURN_IF_ERROR(Wait<bool>([&](Done<bool> done) {
                        state_->learner->SetAlias(task, change, std::move(done));
                      }).status());
  return ShowTask(task);
}

Result<TaskInfo> Service::RemoveAlias(const std::string& task, const std::string& alias) {
  CTT_RETURN_IF_ERROR(Wait<bool>([&](Done<bool> done) {
                        state_->learner->RemoveAlias(task, alias, std::move(done));
                      }).status());
  return ShowTask(task);
}

Result<TaskInfo> Service::SetPublishing(const std::string& task, const Publishing& publishing) {
  const double fall = publishing.max_accuracy_fall.value_or(0);
  if (!(fall >= 0 && fall <= 1))
    return Status(Code::kInvalidArgument, "out_of_range",
                  "'max_accuracy_fall' must be from 0 to 1");
  CTT_RETURN_IF_ERROR(Wait<bool>([&](Done<bool> done) {
                        state_->learner->SetPublishing(task, publishing, std::move(done));
                      }).status());
  return ShowTask(task);
}

namespace {

ExampleInfo DescribeExample(store::Example& example, const LabelNames& names) {
  const auto name = names.find(example.label);
  return {std::move(example.id), std::move(example.text),
          name == names.end() ? std::string() : name->second, std::move(example.source),
          example.time_us};
}

}  // namespace

Result<ExampleInfoPage> Service::PageExamples(const std::string& task, std::int64_t after,
                                              std::int32_t limit) {
  CTT_ASSIGN_OR_RETURN(const auto served, state_->catalog.Find(task));
  CTT_ASSIGN_OR_RETURN(store::ExamplePage page,
                       state_->stores.log.PageExamples(served->id, after, limit));
  CTT_ASSIGN_OR_RETURN(const auto names, NamesNow(state_->stores.log, served->id));
  ExampleInfoPage answer;
  answer.next_after = page.next_after;
  for (store::Example& example : page.examples)
    answer.examples.push_back(DescribeExample(example, names));
  return answer;
}

Result<ExampleInfo> Service::FindExample(const std::string& task, const std::string& id) {
  CTT_ASSIGN_OR_RETURN(const auto served, state_->catalog.Find(task));
  CTT_ASSIGN_OR_RETURN(auto example, state_->stores.log.FindExample(served->id, id));
  if (!example) {
    return Status(Code::kNotFound, "example_not_found",
                  "task '" + task + "' holds no example with this id");
  }
  CTT_ASSIGN_OR_RETURN(const auto names, NamesNow(state_->stores.log, served->id));
  return DescribeExample(*example, names);
}

Result<learn::Metrics> Service::Evaluate(const std::string& task,
                                         const std::vector<EvaluateRow>& rows) {
  CTT_ASSIGN_OR_RETURN(const auto served, state_->catalog.Find(task));
  const std::shared_ptr<const learn::Head> head = served->head;
  if (head == nullptr) return NothingToAnswer(*served);
  std::vector<std::string> texts;
  for (const EvaluateRow& row : rows) texts.push_back(row.text);
  CTT_RETURN_IF_ERROR(CheckTexts(texts, state_->options.limits));
  std::vector<learn::Judged> judged;
  const std::size_t dim = state_->encoder->feature_dim();
  for (std::size_t first = 0; first < texts.size(); first += kChunkTexts) {
    const std::size_t last = std::min(texts.size(), first + kChunkTexts);
    CTT_ASSIGN_OR_RETURN(
        const encoder::Features features,
        state_->EncodeNow(state_->Tokenize({texts.begin() + static_cast<std::ptrdiff_t>(first),
                                            texts.begin() + static_cast<std::ptrdiff_t>(last)})));
    for (std::size_t i = first; i < last; ++i) {
      const std::span<const std::int8_t> phi(features.phi.data() + (i - first) * dim, dim);
      judged.push_back({rows[i].label, head->Predict(phi)});
    }
  }
  return learn::Evaluate(judged, head->labels());
}

Result<std::vector<float>> Service::Embed(const std::vector<std::string>& texts) {
  CTT_RETURN_IF_ERROR(CheckTexts(texts, state_->options.limits));
  CTT_ASSIGN_OR_RETURN(encoder::Features features, state_->EncodeNow(state_->Tokenize(texts)));
  return std::move(features.embeddings);
}

ModelInfo Service::model() const {
  const encoder::Encoder& encoder = *state_->encoder;
  ModelInfo info;
  info.name = encoder.model_name();
  info.encoder_id = encoder.encoder_id();
  info.engine = encoder::EngineName(encoder.engine());
  info.isa = kernels::IsaName(encoder.isa());
  info.isa_fell_back = encoder.isa_fell_back();
  info.hidden_size = encoder.hidden_size();
  info.layers = encoder.layer_count();
  info.feature_dim = encoder.feature_dim();
  info.vocabulary_size = encoder.tokenizer().vocabulary_size();
  info.tokens_max = encoder.tokens_max();
  info.threads = ThreadCount(state_->options.threads);
  return info;
}

const Limits& Service::limits() const { return state_->options.limits; }
const encoder::Encoder& Service::encoder() const { return *state_->encoder; }

}  // namespace ctt::service
