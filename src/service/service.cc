#include "service/service.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "service/label_descriptions.h"
#include "service/service_state.h"
#include "service/task_settings.h"
#include "service/validate.h"
#include "service/verify.h"
#include "store/backup.h"

namespace ctt::service {
namespace {

// Texts that a blocking verb encodes at a time: the features of 10,000 rows need not wait in
// memory.
constexpr std::size_t kChunkTexts = 1024;

std::int32_t ThreadCount(std::int32_t asked) {
  if (asked > 0) return asked;
  return std::max(1, static_cast<std::int32_t>(std::thread::hardware_concurrency()));
}

}  // namespace

TaskInfo Describe(const ServedTask& task) {
  TaskInfo info;
  info.name = task.name;
  info.kind = task.settings.kind;
  if (!info.kind && task.watermark > 0) info.kind = learn::TaskKind::kSingle;
  info.examples = task.examples;
  for (const auto& [label, count] : task.label_counts) info.labels.push_back({label, count});
  info.head_version = task.version;
  info.settled = task.settled;
  info.head_digest = task.head_digest;
  info.created_us = task.created_us;
  info.updated_us = task.updated_us;
  info.settings = task.settings;
  const auto add = [&](std::string_view alias, std::int64_t version, double share) {
    if (version > 0) info.aliases.push_back({std::string(alias), version, share});
  };
  add(kLiveAlias, task.version, 0);
  add(kPreviousAlias, task.previous, 0);
  add(kCanaryAlias, task.canary.number, task.settings.canary_share);
  add(kShadowAlias, task.shadow.number, 0);
  if (task.head == nullptr) return info;
  info.head = learn::HeadKindName(task.head->settings().kind);
  info.block = learn::BlockName(task.head->settings().block);
  return info;
}

// A data directory holds features of one encoder only.
Status Service::State::BindEncoder() {
  CTT_ASSIGN_OR_RETURN(const auto transaction, stores.log.Begin());
  CTT_RETURN_IF_ERROR(transaction->LockAll());  // Two may start at once.
  CTT_ASSIGN_OR_RETURN(const auto bound, stores.log.Meta("encoder_id"));
  if (bound && *bound == encoder->encoder_id()) return Status::Ok();
  if (bound) {
    return {Code::kFailedPrecondition, "other_encoder",
            data.name() + " was learned with another encoder, model or engine (" +
                bound->substr(0, 12) + "; this one is " + encoder->encoder_id().substr(0, 12) +
                "): start with that one, or with other data"};
  }
  CTT_RETURN_IF_ERROR(transaction->SetMeta("encoder_id", encoder->encoder_id()));
  return transaction->Commit();
}

Status Service::State::Open() {
  CTT_RETURN_IF_ERROR(BindEncoder());
  CTT_ASSIGN_OR_RETURN(keys, KeyRing::Open(stores.log, clock));
  settler = std::make_unique<Settler>(stores, options.settle_delay_ms, ThreadCount(options.threads),
                                      clock, metrics);
  learner = std::make_unique<Learner>(
      stores, catalog, encoder->feature_dim(), options.limits.labels_max, clock, metrics,
      [this](store::TaskId task, bool elsewhere) { settler->Touch(task, elsewhere); });
  CTT_RETURN_IF_ERROR(learner->OpenTasks());
  settler->Start(*learner);
  if (stores.log.shared()) follower = std::make_unique<Follower>(stores.log, *learner, *keys);
  explainer = std::make_unique<Explainer>(stores);
  router = std::make_unique<Router>(stores, catalog, encoder->feature_dim(), clock);
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

Result<encoder::Features> Service::State::EncodeNow(std::vector<text::TokenIds> texts) {
  return Wait<encoder::Features>([&](Done<encoder::Features> done) {
    queue->Submit(std::move(texts), Priority::kBulk, 0, std::move(done));
  });
}

Status Service::State::ForEachPhi(
    const std::vector<std::string>& texts,
    const std::function<void(std::size_t text, std::span<const std::int8_t> phi)>& take) {
  const std::size_t dim = encoder->feature_dim();
  for (std::size_t first = 0; first < texts.size(); first += kChunkTexts) {
    const std::size_t last = std::min(texts.size(), first + kChunkTexts);
    CTT_ASSIGN_OR_RETURN(const encoder::Features features,
                         EncodeNow(Tokenize({texts.begin() + static_cast<std::ptrdiff_t>(first),
                                             texts.begin() + static_cast<std::ptrdiff_t>(last)})));
    for (std::size_t i = first; i < last; ++i)
      take(i, {features.phi.data() + (i - first) * dim, dim});
  }
  return Status::Ok();
}

Result<std::unique_ptr<Service>> Service::Start(const ServiceOptions& options, const Clock& clock,
                                                telemetry::Metrics& metrics, telemetry::Log& log) {
  const std::int64_t start_us = clock.SteadyMicros();
  encoder::EncoderOptions encoder_options;
  encoder_options.engine = options.engine;
  encoder_options.tokens_max = options.tokens_max;
  CTT_ASSIGN_OR_RETURN(auto encoder, encoder::Encoder::Load(options.model_folder, encoder_options));
  metrics.ObserveModelLoad(static_cast<double>(clock.SteadyMicros() - start_us) * 1e-6);
  CTT_ASSIGN_OR_RETURN(store::Home data, store::Home::Open(options.data));
  auto state =
      std::make_unique<State>(options, clock, metrics, log, std::move(encoder), std::move(data));
  CTT_RETURN_IF_ERROR(state->Open());
  return std::unique_ptr<Service>(new Service(std::move(state)));
}

Service::Service(std::unique_ptr<State> state) : state_(std::move(state)) {}
Service::~Service() = default;

void Service::Learn(std::string task, std::vector<LearnRow> rows, const LearnOptions& options,
                    Done<LearnAnswer> done) {
  Status status = CheckTaskName(task);
  if (status.ok()) status = CheckRows(rows, state_->options.limits);
  if (status.ok() && !options.create_task) status = state_->catalog.Find(task).status();
  if (!status.ok()) return done(status);

  std::vector<text::TokenIds> tokens;
  for (const LearnRow& row : rows)
    tokens.push_back(state_->encoder->tokenizer().Encode(row.text, state_->encoder->tokens_max()));
  const Stages stages = options.stages;
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
                        std::move(learn), nullptr, stages);
}

void Service::LearnEncoded(std::string task, std::vector<EncodedRow> rows,
                           const LearnOptions& options, Done<LearnAnswer> done) {
  std::vector<LearnRow> said;
  Status status = CheckTaskName(task);
  for (std::size_t i = 0; i < rows.size() && status.ok(); ++i) {
    said.push_back(rows[i].row);
    if (rows[i].phi.size() == static_cast<std::size_t>(state_->encoder->feature_dim())) continue;
    status = {Code::kInvalidArgument, "bad_features",
              "row " + std::to_string(i + 1) + ": " + std::to_string(rows[i].phi.size()) +
                  " features, but the encoder makes " +
                  std::to_string(state_->encoder->feature_dim())};
  }
  if (status.ok()) status = CheckRows(said, state_->options.limits);
  if (!status.ok()) return done(status);
  state_->learner->Learn(std::move(task), std::move(rows), options, std::move(done));
}

Status Service::Export(const std::string& task,
                       const std::function<Status(const TaskExport&)>& begin,
                       const std::function<Status(EncodedRow row)>& visit) {
  CTT_ASSIGN_OR_RETURN(const auto sums,
                       Wait<Learner::SumsDigest>([&](Done<Learner::SumsDigest> done) {
                         state_->learner->DigestSums(task, std::move(done));
                       }));
  CTT_ASSIGN_OR_RETURN(const auto served, state_->catalog.Find(task));
  CTT_RETURN_IF_ERROR(
      begin({state_->encoder->encoder_id(), sums.digest, served->head_digest, served->settings}));
  store::Store& log = state_->stores.log;
  CTT_ASSIGN_OR_RETURN(const LabelNames names, NamesAt(log, sums.id, sums.watermark));
  return log.ScanAt(sums.id, sums.watermark, [&](const store::Example& example) -> Status {
    EncodedRow row;
    CTT_RETURN_IF_ERROR(Say(example, names, row.row));
    row.row.text = example.text.value_or("");
    row.row.id = example.id;
    row.row.source = example.source;
    row.phi = example.phi;
    return visit(std::move(row));
  });
}

void Service::DescribeLabels(std::string task, const std::vector<LabelDescription>& labels,
                             Done<LearnAnswer> done, const Origin& origin) {
  auto rows = DescriptionRows(labels, state_->options.limits.id_bytes_max);
  if (!rows.ok()) return done(rows.status());
  const auto served = state_->catalog.Find(task);
  if (served.ok() && (*served)->settings.kind == learn::TaskKind::kMulti)
    for (LearnRow& row : *rows) row.labels = {std::move(row.label)};
  LearnOptions options;
  options.origin = origin;
  Learn(std::move(task), *std::move(rows), options, std::move(done));
}

Result<std::vector<LabelInfo>> Service::Labels(const std::string& task) {
  CTT_ASSIGN_OR_RETURN(const auto served, state_->catalog.Find(task));
  std::vector<LabelInfo> labels;
  for (const auto& [name, count] : served->label_counts) {
    labels.push_back({name, count, std::nullopt});
    CTT_ASSIGN_OR_RETURN(auto example,
                         state_->stores.log.FindExample(served->id, DescriptionId(name)));
    if (example) labels.back().description = std::move(example->text);
  }
  return labels;
}

void Service::Unlearn(std::string task, std::vector<std::string> ids, Done<UnlearnAnswer> done,
                      const Origin& origin) {
  if (ids.empty()) return done(Status(Code::kInvalidArgument, "empty_request", "no id was given"));
  state_->learner->Unlearn(std::move(task), std::move(ids), std::move(done), origin);
}

void Service::UnlearnWhere(std::string task, ExampleFilter filter, Done<UnlearnAnswer> done,
                           const Origin& origin) {
  if (!filter.label && !filter.source && !filter.since_us && !filter.before_us)
    return done(Status(Code::kInvalidArgument, "empty_request", "the filter names nothing"));
  state_->learner->UnlearnWhere(std::move(task), std::move(filter), std::move(done), origin);
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

Result<PurgeAnswer> Service::Purge(const std::string& task, const Origin& origin) {
  return Wait<PurgeAnswer>(
      [&](Done<PurgeAnswer> done) { state_->learner->Purge(task, std::move(done), origin); });
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

Result<TaskInfo> Service::CreateTask(const std::string& name, const Origin& origin,
                                     std::optional<learn::TaskKind> kind) {
  CTT_RETURN_IF_ERROR(CheckTaskName(name));
  CTT_RETURN_IF_ERROR(Wait<bool>([&](Done<bool> done) {
                        state_->learner->CreateTask(name, kind, std::move(done), origin);
                      }).status());
  return ShowTask(name);
}

Result<TaskInfo> Service::ChangeTask(const std::string& task, const TaskChange& change,
                                     const Origin& origin) {
  if (change.name) CTT_RETURN_IF_ERROR(CheckTaskName(*change.name));
  CTT_RETURN_IF_ERROR(CheckChange(change));
  CTT_RETURN_IF_ERROR(Wait<bool>([&](Done<bool> done) {
                        state_->learner->ChangeTask(task, change, std::move(done), origin);
                      }).status());
  return ShowTask(change.name.value_or(task));
}

Status Service::DeleteTask(const std::string& task, const Origin& origin) {
  return Wait<bool>(
             [&](Done<bool> done) { state_->learner->DeleteTask(task, std::move(done), origin); })
      .status();
}

Result<TaskInfo> Service::EditLabels(const std::string& task, const LabelEdit& edit,
                                     const Origin& origin) {
  if (edit.kind != LabelEdit::Kind::kDelete)
    CTT_RETURN_IF_ERROR(CheckLabel(edit.to, state_->options.limits));
  if (edit.kind == LabelEdit::Kind::kSplit && edit.ids.empty())
    return Status(Code::kInvalidArgument, "empty_request", "no id was given");
  CTT_RETURN_IF_ERROR(Wait<bool>([&](Done<bool> done) {
                        state_->learner->EditLabels(task, edit, std::move(done), origin);
                      }).status());
  return ShowTask(task);
}

Result<TaskInfo> Service::ShowTask(const std::string& task) {
  CTT_ASSIGN_OR_RETURN(const auto served, state_->catalog.Find(task));
  return Describe(*served);
}

std::int64_t Service::KnownVersion(const std::string& task) const {
  const auto served = state_->catalog.Find(task);
  return served.ok() ? (*served)->last_version : 0;
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

Result<TaskInfo> Service::SetAlias(const std::string& task, const AliasChange& change,
                                   const Origin& origin) {
  CTT_RETURN_IF_ERROR(Wait<bool>([&](Done<bool> done) {
                        state_->learner->SetAlias(task, change, std::move(done), origin);
                      }).status());
  return ShowTask(task);
}

Result<TaskInfo> Service::RemoveAlias(const std::string& task, const std::string& alias,
                                      const Origin& origin) {
  CTT_RETURN_IF_ERROR(Wait<bool>([&](Done<bool> done) {
                        state_->learner->RemoveAlias(task, alias, std::move(done), origin);
                      }).status());
  return ShowTask(task);
}

Result<TaskInfo> Service::SetPublishing(const std::string& task, const Publishing& publishing,
                                        const Origin& origin) {
  const double fall = publishing.max_accuracy_fall.value_or(0);
  if (!(fall >= 0 && fall <= 1))
    return Status(Code::kInvalidArgument, "out_of_range",
                  "'max_accuracy_fall' must be from 0 to 1");
  CTT_RETURN_IF_ERROR(Wait<bool>([&](Done<bool> done) {
                        state_->learner->SetPublishing(task, publishing, std::move(done), origin);
                      }).status());
  return ShowTask(task);
}

namespace {

Result<ExampleInfo> DescribeExample(store::Example& example, const LabelNames& names) {
  ExampleInfo info;
  CTT_RETURN_IF_ERROR(Say(example, names, info));
  info.id = std::move(example.id);
  info.text = std::move(example.text);
  info.source = std::move(example.source);
  info.time_us = example.time_us;
  return info;
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
  for (store::Example& example : page.examples) {
    CTT_ASSIGN_OR_RETURN(answer.examples.emplace_back(), DescribeExample(example, names));
  }
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

Result<std::vector<AuditInfo>> Service::Audit(std::int64_t after, std::int32_t limit) {
  CTT_ASSIGN_OR_RETURN(const auto entries, state_->stores.log.Audit(after, limit));
  std::vector<AuditInfo> audit;
  for (const store::AuditEntry& entry : entries) {
    audit.push_back({entry.seq,
                     entry.time_us,
                     {entry.who, entry.request},
                     entry.action,
                     entry.subject,
                     entry.rows,
                     entry.digest_before,
                     entry.digest_after});
  }
  return audit;
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
