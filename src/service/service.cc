#include "service/service.h"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "learn/suggest.h"
#include "service/answerer.h"
#include "service/catalog.h"
#include "service/encode_queue.h"
#include "service/explainer.h"
#include "service/label_descriptions.h"
#include "service/learner.h"
#include "service/router.h"
#include "service/settler.h"
#include "service/task_settings.h"
#include "service/validate.h"
#include "service/word_weights.h"
#include "store/data_directory.h"
#include "text/ngrams.h"

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
  info.settings = task.settings;
  if (task.head == nullptr) return info;
  info.head = learn::HeadKindName(task.head->settings().kind);
  info.block = learn::BlockName(task.head->settings().block);
  return info;
}

Status TaskEmpty(const std::string& task) {
  return {Code::kFailedPrecondition, "task_empty",
          "task '" + task + "' has learned no example yet"};
}

Status CheckOptions(const PredictOptions& options) {
  if (options.top_k < 1) return {Code::kInvalidArgument, "bad_top_k", "'top_k' must be at least 1"};
  if (options.error_rate && !(*options.error_rate > 0 && *options.error_rate <= learn::kRateMax)) {
    return {Code::kInvalidArgument, "out_of_range", "'error_rate' must be above 0, at most 0.5"};
  }
  return Status::Ok();
}

}  // namespace

// A text's words, and what the head needs of the text without each of them.
struct WordsLeftOut {
  std::vector<WordWeight> words;
  std::vector<text::NGrams> ngrams;
};

// Members stand in the order of their making; they go in the reverse one, so that whoever calls
// another is gone before it.
struct Service::State {
  ServiceOptions options;
  const Clock& clock;
  telemetry::Metrics& metrics;
  std::unique_ptr<const encoder::Encoder> encoder;
  store::DataDirectory data;
  Stores stores;
  std::unique_ptr<KeyRing> keys;
  Catalog catalog;
  std::unique_ptr<Settler> settler;
  std::unique_ptr<Learner> learner;
  std::unique_ptr<Explainer> explainer;
  std::unique_ptr<Router> router;
  std::unique_ptr<EncodeQueue> queue;

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
    if (router != nullptr) router->Stop();  // Its answers reach the queue.
    queue.reset();                          // Its answers reach the explainer and the learner.
    explainer.reset();
    if (settler != nullptr) settler->Stop();
    learner.reset();  // Its last commits still touch the settler.
  }

  Status BindEncoder();
  Status Open();
  std::vector<text::TokenIds> Tokenize(const std::vector<std::string>& texts) const;
  // Adds to `tokens` each text without each of its words; the words, still without weights.
  std::vector<WordsLeftOut> AddWithoutWords(const Answerer& answerer,
                                            const std::vector<std::string>& texts,
                                            std::vector<text::TokenIds>& tokens) const;
  Result<Answerer> AnswererOf(const ServedTask& task, std::optional<std::int64_t> version) const;
  // Tasks as the catalog has them at this moment, by id.
  std::map<store::TaskId, std::shared_ptr<const ServedTask>> TasksById() const;
  Status CheckTokens(const std::vector<text::TokenIds>& tokens, bool truncate) const;
  Result<encoder::Features> EncodeNow(std::vector<text::TokenIds> texts);
  // Encodes the texts chunk by chunk and hands out the features of each, in order.
  Status ForEachPhi(
      const std::vector<std::string>& texts,
      const std::function<void(std::size_t text, std::span<const std::int8_t> phi)>& take);
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
  CTT_ASSIGN_OR_RETURN(keys, KeyRing::Open(stores.log, clock));
  settler = std::make_unique<Settler>(stores, options.settle_delay_ms, ThreadCount(options.threads),
                                      clock, metrics);
  learner = std::make_unique<Learner>(stores, catalog, encoder->feature_dim(),
                                      options.limits.labels_max, clock, metrics,
                                      [this](store::TaskId task) { settler->Touch(task); });
  CTT_RETURN_IF_ERROR(learner->OpenTasks());
  settler->Start(*learner);
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

Status Service::State::CheckTokens(const std::vector<text::TokenIds>& tokens, bool truncate) const {
  for (std::size_t i = 0; i < tokens.size() && !truncate; ++i) {
    if (!tokens[i].truncated) continue;
    return {Code::kTooLarge, "too_many_tokens",
            "text " + std::to_string(i + 1) + " has more than the " +
                std::to_string(encoder->tokens_max()) + " tokens that the encoder reads"};
  }
  return Status::Ok();
}

Result<Answerer> Service::State::AnswererOf(const ServedTask& task,
                                            std::optional<std::int64_t> version) const {
  if (!version || *version == task.version) {
    if (task.head == nullptr) return TaskEmpty(task.name);
    return Answerer(task.head, task.rates, task.settings);
  }
  CTT_ASSIGN_OR_RETURN(const auto record, stores.log.FindVersion(task.id, *version));
  if (!record || record->examples == 0) {
    return Status(
        Code::kNotFound, "version_not_found",
        "task '" + task.name + "' has no version " + std::to_string(*version) + " to answer with");
  }
  CTT_ASSIGN_OR_RETURN(auto head, LoadHead(stores, task.id, *record, encoder->feature_dim()));
  CTT_ASSIGN_OR_RETURN(auto rates, LoadRates(stores.log, task.id, *record));
  return Answerer(std::move(head), std::move(rates), task.settings);
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
  CTT_ASSIGN_OR_RETURN(store::DataDirectory data, store::DataDirectory::Open(options.data_folder));
  auto state =
      std::make_unique<State>(options, clock, metrics, log, std::move(encoder), std::move(data));
  CTT_RETURN_IF_ERROR(state->Open());
  return std::unique_ptr<Service>(new Service(std::move(state)));
}

Service::Service(std::unique_ptr<State> state) : state_(std::move(state)) {}
Service::~Service() = default;

std::vector<WordsLeftOut> Service::State::AddWithoutWords(
    const Answerer& answerer, const std::vector<std::string>& texts,
    std::vector<text::TokenIds>& tokens) const {
  std::vector<WordsLeftOut> words;
  for (const std::string& text : texts) {
    words.emplace_back();
    for (const std::string_view word : WordsOf(text)) {
      const std::string rest = Without(text, word);
      words.back().words.push_back({std::string(word), 0});
      words.back().ngrams.push_back(answerer.NGramsFor(rest));
      tokens.push_back(encoder->tokenizer().Encode(rest, encoder->tokens_max()));
    }
  }
  return words;
}

namespace {

// phi [texts + words, D]: those of the texts, then of each text without each of its words.
void WeighWords(const Answerer& answerer, const std::vector<std::int8_t>& phi,
                const std::vector<WordsLeftOut>& words, PredictAnswer& answer) {
  const auto dim = static_cast<std::size_t>(answerer.head().feature_dim());
  const std::int8_t* next = phi.data() + words.size() * dim;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const LabelScore& first = answer.texts[i].ranked.front();
    for (std::size_t w = 0; w < words[i].words.size(); ++w) {
      WordWeight word = words[i].words[w];
      const double without = answerer.Probability({next, dim}, words[i].ngrams[w], first.label);
      word.weight = LogOdds(first.probability) - LogOdds(without);
      answer.texts[i].explanation->words.push_back(std::move(word));
      next += dim;
    }
  }
}

}  // namespace

void Service::Predict(std::string task, std::vector<std::string> texts,
                      const PredictOptions& options, Done<PredictAnswer> done) {
  if (const Status status = CheckOptions(options); !status.ok()) return done(status);
  if (const Status status = CheckTexts(texts, state_->options.limits); !status.ok())
    return done(status);
  const auto served = state_->catalog.Find(task);
  if (!served.ok()) return done(served.status());
  const auto answerer = state_->AnswererOf(**served, options.version);
  if (!answerer.ok()) return done(answerer.status());

  std::vector<text::TokenIds> tokens = state_->Tokenize(texts);
  if (const Status status = state_->CheckTokens(tokens, options.truncate); !status.ok())
    return done(status);
  std::vector<bool> truncated;
  for (const text::TokenIds& ids : tokens) truncated.push_back(ids.truncated);
  std::vector<text::NGrams> ngrams;
  for (const std::string& text : texts) ngrams.push_back(answerer->NGramsFor(text));
  std::vector<WordsLeftOut> words;
  if (options.explain_words) words = state_->AddWithoutWords(*answerer, texts, tokens);
  const std::int64_t deadline_us = state_->clock.SteadyMicros() + options.timeout_ms * 1000;
  auto answer_all = [this, answerer = *answerer, ngrams = std::move(ngrams),
                     truncated = std::move(truncated), task, options, served = *served,
                     words = std::move(words),
                     done = std::move(done)](Result<encoder::Features> features) {
    if (!features.ok()) return done(features.status());
    PredictAnswer answer{task, options.version.value_or(served->version), {}};
    const std::size_t dim = state_->encoder->feature_dim();
    for (std::size_t i = 0; i < truncated.size(); ++i) {
      const std::span<const std::int8_t> phi(features->phi.data() + i * dim, dim);
      answer.texts.push_back(answerer.Answer(phi, ngrams[i], options));
      answer.texts.back().truncated = truncated[i];
      state_->metrics.CountPrediction(task, answer.texts.back().in_scope);
    }
    if (!options.explain && !options.explain_words) return done(std::move(answer));
    for (TextAnswer& text : answer.texts) text.explanation.emplace();
    if (options.explain_words) WeighWords(answerer, features->phi, words, answer);
    if (served->head == nullptr) return done(std::move(answer));  // Nothing is held any more.
    state_->explainer->Explain(served, std::move(features->phi), std::move(answer), done);
  };
  // Words multiply the texts: they give way to others.
  const Priority priority = options.explain_words ? Priority::kBulk : Priority::kSingle;
  state_->queue->Submit(std::move(tokens), priority, deadline_us, std::move(answer_all),
                        options.gone);
}

std::map<store::TaskId, std::shared_ptr<const ServedTask>> Service::State::TasksById() const {
  std::map<store::TaskId, std::shared_ptr<const ServedTask>> tasks;
  for (auto& task : catalog.List()) tasks[task->id] = task;
  return tasks;
}

namespace {

using TasksById = std::map<store::TaskId, std::shared_ptr<const ServedTask>>;

// The tasks as `routes` ranks them, without those that are gone by now.
RoutedText RouteOne(const Routes& routes, const TasksById& tasks, std::span<const std::int8_t> phi,
                    const std::string& words, const PredictOptions& options) {
  const learn::Prediction prediction = routes.head->Predict(phi);
  RoutedText text;
  text.in_scope = prediction.in_scope;
  for (const learn::LabelProbability& row : prediction.ranked) {
    if (std::ssize(text.tasks) >= options.top_k) break;
    const auto task = tasks.find(std::stoll(routes.head->labels()[row.label]));
    if (task == tasks.end() || task->second->head == nullptr) continue;
    const ServedTask& served = *task->second;
    if (text.tasks.empty()) {
      const Answerer answerer(served.head, served.rates, served.settings);
      text.answer = answerer.Answer(phi, answerer.NGramsFor(words), options);
      text.head_version = served.version;
    }
    text.tasks.push_back({served.name, row.probability});
  }
  return text;
}

Status NoTaskLeft() {
  return {Code::kNotFound, "group_not_found", "the tasks were deleted a moment ago"};
}

}  // namespace

void Service::Route(std::vector<std::string> texts, const std::string& group, const Caller& caller,
                    const PredictOptions& options, Done<RouteAnswer> done) {
  if (const Status status = CheckOptions(options); !status.ok()) return done(status);
  if (const Status status = CheckTexts(texts, state_->options.limits); !status.ok())
    return done(status);
  const std::int64_t deadline_us = state_->clock.SteadyMicros() + options.timeout_ms * 1000;
  auto encode = [this, texts = std::move(texts), options, deadline_us,
                 done = std::move(done)](Result<std::shared_ptr<const Routes>> routes) {
    if (!routes.ok()) return done(routes.status());
    std::vector<text::TokenIds> tokens = state_->Tokenize(texts);
    std::vector<bool> truncated;
    for (const text::TokenIds& ids : tokens) truncated.push_back(ids.truncated);
    auto answer_all = [this, routes = *routes, truncated = std::move(truncated), texts, options,
                       done](Result<encoder::Features> features) {
      if (!features.ok()) return done(features.status());
      RouteAnswer answer{routes->digest, {}};
      const TasksById tasks = state_->TasksById();
      const std::size_t dim = state_->encoder->feature_dim();
      for (std::size_t i = 0; i < truncated.size(); ++i) {
        RoutedText text =
            RouteOne(*routes, tasks, {features->phi.data() + i * dim, dim}, texts[i], options);
        if (text.tasks.empty()) return done(NoTaskLeft());
        text.answer.truncated = truncated[i];
        state_->metrics.CountPrediction(text.tasks[0].label, text.answer.in_scope);
        answer.texts.push_back(std::move(text));
      }
      done(std::move(answer));
    };
    state_->queue->Submit(std::move(tokens), Priority::kSingle, deadline_us, std::move(answer_all),
                          options.gone);
  };
  state_->router->Find(group, caller, std::move(encode));
}

void Service::Embed(const std::vector<std::string>& texts, const EmbedOptions& options,
                    Done<EmbedAnswer> done) {
  if (const Status status = CheckTexts(texts, state_->options.limits); !status.ok())
    return done(status);
  std::vector<text::TokenIds> tokens = state_->Tokenize(texts);
  if (const Status status = state_->CheckTokens(tokens, options.truncate); !status.ok())
    return done(status);
  EmbedAnswer answer;
  answer.hidden_size = state_->encoder->hidden_size();
  for (const text::TokenIds& ids : tokens) {
    answer.tokens += static_cast<std::int64_t>(ids.ids.size());
    answer.truncated += ids.truncated ? 1 : 0;
  }
  const std::int64_t deadline_us = state_->clock.SteadyMicros() + options.timeout_ms * 1000;
  auto answer_all = [answer = std::move(answer),
                     done = std::move(done)](Result<encoder::Features> features) mutable {
    if (!features.ok()) return done(features.status());
    answer.embeddings = std::move(features->embeddings);
    done(std::move(answer));
  };
  state_->queue->Submit(std::move(tokens), Priority::kSingle, deadline_us, std::move(answer_all),
                        options.gone);
}

Result<std::string> Service::OnlyTask(const Caller& caller) const {
  constexpr std::size_t kNamesMax = 5;
  auto tasks = state_->catalog.List();
  std::erase_if(tasks, [&](const auto& task) { return !caller.MayName(task->name); });
  if (tasks.size() == 1) return tasks.front()->name;
  if (tasks.empty()) return Status(Code::kNotFound, "task_not_found", "there is no task yet");
  std::string names;
  for (std::size_t i = 0; i < std::min(tasks.size(), kNamesMax); ++i)
    names += (i == 0 ? "" : ", ") + tasks[i]->name;
  return Status(Code::kInvalidArgument, "task_not_named",
                "there are " + std::to_string(tasks.size()) + " tasks (" + names +
                    (tasks.size() > kNamesMax ? ", ..." : "") + "): name one");
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

void Service::DescribeLabels(std::string task, const std::vector<LabelDescription>& labels,
                             Done<LearnAnswer> done, const Origin& origin) {
  auto rows = DescriptionRows(labels, state_->options.limits.id_bytes_max);
  if (!rows.ok()) return done(rows.status());
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

Result<TaskInfo> Service::CreateTask(const std::string& name, const Origin& origin) {
  CTT_RETURN_IF_ERROR(CheckTaskName(name));
  CTT_RETURN_IF_ERROR(Wait<bool>([&](Done<bool> done) {
                        state_->learner->CreateTask(name, std::move(done), origin);
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
  std::vector<VersionInfo> list;
  for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
    list.push_back({version->number, version->number == served->version, version->settled,
                    version->examples, version->head_digest, version->report, version->created_us});
  }
  return list;
}

Result<TaskInfo> Service::PublishVersion(const std::string& task, std::int64_t version,
                                         const Origin& origin) {
  CTT_RETURN_IF_ERROR(Wait<bool>([&](Done<bool> done) {
                        state_->learner->PublishVersion(task, version, std::move(done), origin);
                      }).status());
  return ShowTask(task);
}

namespace {

ExampleInfo DescribeExample(store::Example& example,
                            const std::map<store::LabelId, std::string>& names) {
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
  CTT_ASSIGN_OR_RETURN(const auto names, LabelNames(state_->stores.log, served->id));
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
  CTT_ASSIGN_OR_RETURN(const auto names, LabelNames(state_->stores.log, served->id));
  return DescribeExample(*example, names);
}

Result<learn::Metrics> Service::Evaluate(const std::string& task,
                                         const std::vector<EvaluateRow>& rows,
                                         const std::vector<std::string>& out_of_scope) {
  CTT_ASSIGN_OR_RETURN(const auto served, state_->catalog.Find(task));
  CTT_ASSIGN_OR_RETURN(const Answerer answerer, state_->AnswererOf(*served, std::nullopt));
  std::vector<std::string> texts;
  for (const EvaluateRow& row : rows) texts.push_back(row.text);
  CTT_RETURN_IF_ERROR(CheckTexts(texts, state_->options.limits));
  if (!out_of_scope.empty()) {
    const Status others = CheckTexts(out_of_scope, state_->options.limits);
    if (!others.ok()) return others.WithContext("out of scope");
  }
  std::vector<learn::Judged> judged;
  CTT_RETURN_IF_ERROR(
      state_->ForEachPhi(texts, [&](std::size_t i, std::span<const std::int8_t> phi) {
        judged.push_back({rows[i].label, answerer.Predict(phi, answerer.NGramsFor(texts[i])), {}});
        judged.back().set = answerer.SetOf(judged.back().prediction, kEvaluateErrorRate);
      }));
  std::vector<learn::Prediction> others;
  CTT_RETURN_IF_ERROR(
      state_->ForEachPhi(out_of_scope, [&](std::size_t i, std::span<const std::int8_t> phi) {
        others.push_back(answerer.Predict(phi, answerer.NGramsFor(out_of_scope[i])));
      }));
  return learn::Evaluate(judged, others, answerer.head().labels());
}

Result<AuditAnswer> Service::AuditExamples(const std::string& task, std::size_t shown_max) {
  CTT_ASSIGN_OR_RETURN(const auto served, state_->catalog.Find(task));
  return AuditServedTask(state_->stores, *served, state_->encoder->feature_dim(), shown_max);
}

Result<std::vector<Suggestion>> Service::Suggest(const std::string& task,
                                                 const std::vector<std::string>& texts,
                                                 const SuggestOptions& options) {
  if (options.count < 1)
    return Status(Code::kInvalidArgument, "out_of_range", "'count' must be at least 1");
  CTT_ASSIGN_OR_RETURN(const auto served, state_->catalog.Find(task));
  CTT_ASSIGN_OR_RETURN(const Answerer answerer, state_->AnswererOf(*served, std::nullopt));
  CTT_RETURN_IF_ERROR(CheckTexts(texts, state_->options.limits));
  PredictOptions first_only;
  first_only.top_k = 1;
  std::vector<std::int8_t> all;
  std::vector<double> uncertainty;
  std::vector<Suggestion> answers;
  CTT_RETURN_IF_ERROR(
      state_->ForEachPhi(texts, [&](std::size_t i, std::span<const std::int8_t> phi) {
        all.insert(all.end(), phi.begin(), phi.end());
        answers.push_back({static_cast<std::int64_t>(i),
                           answerer.Answer(phi, answerer.NGramsFor(texts[i]), first_only)});
        uncertainty.push_back(1 - answers.back().answer.margin);
      }));
  std::vector<Suggestion> chosen;
  for (const std::size_t i : learn::SuggestRows(all, state_->encoder->feature_dim(), uncertainty,
                                                static_cast<std::size_t>(options.count)))
    chosen.push_back(std::move(answers[i]));
  return chosen;
}

KeyRing& Service::keys() { return *state_->keys; }

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
