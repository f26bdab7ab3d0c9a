// The verbs that answer texts: predict, route, embed; evaluate, audit, suggest.
#include <algorithm>
#include <limits>
#include <utility>

#include "learn/prior_shift.h"
#include "learn/suggest.h"
#include "service/prior_shift.h"
#include "service/service_state.h"
#include "service/targets.h"
#include "service/task_settings.h"
#include "service/validate.h"

namespace ctt::service {
namespace {

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
         PlaceOf(task.name, options.key) < task.settings.canary_share;
}

Status CheckOptions(const PredictOptions& options) {
  if (options.top_k < 1) return {Code::kInvalidArgument, "bad_top_k", "'top_k' must be at least 1"};
  if (options.error_rate && !(*options.error_rate > 0 && *options.error_rate <= learn::kRateMax)) {
    return {Code::kInvalidArgument, "out_of_range", "'error_rate' must be above 0, at most 0.5"};
  }
  if (options.threshold && !(*options.threshold > 0 && *options.threshold < 1))
    return {Code::kInvalidArgument, "out_of_range", "'threshold' must be above 0 and below 1"};
  if (options.adjust_prior && (options.error_rate || options.explain || options.explain_words)) {
    return {Code::kInvalidArgument, "conflicting_fields",
            "'adjust_prior' changes what the texts tell together: ask for a set or an explanation "
            "without it"};
  }
  return Status::Ok();
}

}  // namespace

Status Service::State::CheckTokens(const std::vector<text::TokenIds>& tokens, bool truncate) const {
  for (std::size_t i = 0; i < tokens.size() && !truncate; ++i) {
    if (!tokens[i].truncated) continue;
    return {Code::kTooLarge, "too_many_tokens",
            "text " + std::to_string(i + 1) + " has more than the " +
                std::to_string(encoder->tokens_max()) + " tokens that the encoder reads"};
  }
  return Status::Ok();
}

Result<ServedVersion> Service::State::FindVersion(const ServedTask& task,
                                                  std::int64_t version) const {
  if (version == task.version && task.head != nullptr)
    return ServedVersion{version, task.head, task.rates};
  for (const ServedVersion* beside : {&task.canary, &task.shadow})
    if (version == beside->number && version > 0) return *beside;
  CTT_ASSIGN_OR_RETURN(const auto record, stores.log.FindVersion(task.id, version));
  if (!record || record->examples == 0) {
    return Status(
        Code::kNotFound, "version_not_found",
        "task '" + task.name + "' has no version " + std::to_string(version) + " to answer with");
  }
  CTT_ASSIGN_OR_RETURN(auto head, LoadHead(stores, task.id, *record, encoder->feature_dim()));
  CTT_ASSIGN_OR_RETURN(auto rates, LoadRates(stores.log, task.id, *record));
  return ServedVersion{version, std::move(head), std::move(rates)};
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
  return ServedVersion{task.version, task.head, task.rates};
}

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
    const TextAnswer& text = answer.texts[i];
    const LabelScore first = text.ranked.empty() ? LabelScore() : text.ranked.front();
    for (std::size_t w = 0; w < words[i].words.size(); ++w) {
      WordWeight word = words[i].words[w];
      if (text.number) {
        word.weight = *text.number - answerer.Predict({next, dim}, words[i].ngrams[w]).number;
      } else if (!text.ranked.empty()) {
        const double without = answerer.Probability({next, dim}, words[i].ngrams[w], first.label);
        word.weight = LogOdds(first.probability) - LogOdds(without);
      }
      answer.texts[i].explanation->words.push_back(std::move(word));
      next += dim;
    }
  }
}

// Of each text that has a first label.
void NameNGrams(const Answerer& answerer, const std::vector<text::NGrams>& ngrams,
                const std::vector<std::vector<text::NamedNGram>>& named, PredictAnswer& answer) {
  const std::vector<std::string>& labels = answerer.head().labels();
  for (std::size_t i = 0; i < named.size(); ++i) {
    const std::string& first = answer.texts[i].ranked.front().label;
    const auto label = std::lower_bound(labels.begin(), labels.end(), first) - labels.begin();
    for (const learn::NGramWeight& row :
         answerer.head().WeighNGrams(ngrams[i], static_cast<std::int32_t>(label))) {
      const auto name = std::lower_bound(
          named[i].begin(), named[i].end(), row.hash,
          [](const text::NamedNGram& a, std::uint32_t hash) { return a.hash < hash; });
      answer.texts[i].explanation->ngrams.push_back(
          {name->name, text::IsOfCharacters(row.hash), row.weight});
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
  auto chosen = state_->Choose(**served, options);
  if (!chosen.ok()) return done(chosen.status());
  const bool named = options.version || !options.alias.empty();
  const Answerer answerer(chosen->head, chosen->rates, (*served)->settings);
  if (const Status status = answerer.CheckOptions(options); !status.ok()) return done(status);

  std::vector<text::TokenIds> tokens = state_->Tokenize(texts);
  if (const Status status = state_->CheckTokens(tokens, options.truncate); !status.ok())
    return done(status);
  std::vector<bool> truncated;
  for (const text::TokenIds& ids : tokens) truncated.push_back(ids.truncated);
  std::vector<text::NGrams> ngrams;
  for (const std::string& text : texts) ngrams.push_back(answerer.NGramsFor(text));
  std::vector<std::vector<text::NamedNGram>> names;
  if ((options.explain || options.explain_words) && answerer.head().weighs_words())
    for (const std::string& text : texts) names.push_back(text::NamedNGrams(text));
  std::optional<Answerer> shadow;
  std::vector<text::NGrams> shadow_ngrams;
  if (!named && (*served)->shadow.number > 0) {
    shadow.emplace((*served)->shadow.head, (*served)->shadow.rates, (*served)->settings);
    for (const std::string& text : texts) shadow_ngrams.push_back(shadow->NGramsFor(text));
  }
  std::vector<WordsLeftOut> words;
  if (options.explain_words) words = state_->AddWithoutWords(answerer, texts, tokens);
  const std::int64_t deadline_us = state_->clock.SteadyMicros() + options.timeout_ms * 1000;
  auto answer_all = [this, answerer, shadow = std::move(shadow), ngrams = std::move(ngrams),
                     shadow_ngrams = std::move(shadow_ngrams), version = chosen->number, named,
                     truncated = std::move(truncated), options, served = *served,
                     words = std::move(words), names = std::move(names),
                     done = std::move(done)](Result<encoder::Features> features) {
    if (!features.ok()) return done(features.status());
    PredictOptions asked = options;
    if (options.adjust_prior) asked.top_k = std::numeric_limits<std::int32_t>::max();
    PredictAnswer answer{served->name, version, {}, answerer.kind()};
    const std::size_t dim = state_->encoder->feature_dim();
    const bool is_canary = !named && version == served->canary.number;
    for (std::size_t i = 0; i < truncated.size(); ++i) {
      const std::span<const std::int8_t> phi(features->phi.data() + i * dim, dim);
      answer.texts.push_back(answerer.Answer(phi, ngrams[i], asked));
      answer.texts.back().truncated = truncated[i];
      const TextAnswer& text = answer.texts.back();
      state_->metrics.CountPrediction(served->name, text.in_scope);
      if (is_canary) state_->metrics.CountCanary(served->name);
      if (shadow) {
        state_->metrics.CountShadow(
            served->name, Answerer::Agree(shadow->Answer(phi, shadow_ngrams[i], options), text));
      }
    }
    if (options.adjust_prior) {
      answer.estimated_prior = AdjustPrior(served->label_counts, answerer.head().settings().prior,
                                           options.top_k, answer.texts);
    }
    if (!options.explain && !options.explain_words) return done(std::move(answer));
    for (TextAnswer& text : answer.texts) text.explanation.emplace();
    NameNGrams(answerer, ngrams, names, answer);
    if (options.explain_words) WeighWords(answerer, features->phi, words, answer);
    if (served->head == nullptr) return done(std::move(answer));  // Nothing is held any more.
    state_->explainer->Explain(served, std::move(features->phi), std::move(answer), done);
  };
  // Words multiply the texts: they give way to others.
  const Priority priority = options.explain_words ? Priority::kBulk : Priority::kSingle;
  state_->queue->Submit(std::move(tokens), priority, deadline_us, std::move(answer_all),
                        options.gone, options.stages);
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
                          options.gone, options.stages);
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
                        options.gone, options.stages);
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

namespace {

// What the rows say, in the task's kind.
Status CheckEvaluateRows(const std::vector<EvaluateRow>& rows, const std::string& task,
                         learn::TaskKind kind, const Limits& limits) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Status status = CheckSaid(rows[i], limits);
    if (status.ok() && KindOf(rows[i]) != kind) {
      status = {Code::kInvalidArgument, "other_kind",
                "it gives " + std::string(WhatRowsGive(KindOf(rows[i]))) +
                    " as 'label', but task '" + task + "' is of kind '" +
                    std::string(TaskKindName(kind)) + "', whose rows give " +
                    std::string(WhatRowsGive(kind))};
    }
    if (!status.ok()) return status.WithContext("row " + std::to_string(i + 1));
  }
  return Status::Ok();
}

// Answers gathered in the form that the figures of each kind are made of.
class Judges {
 public:
  Judges(const Answerer& answerer, const std::vector<EvaluateRow>& rows)
      : answerer_(answerer), rows_(rows) {}

  void Add(std::size_t row, learn::Prediction prediction) {
    switch (answerer_.kind()) {
      case learn::TaskKind::kSingle:
        single_.push_back({rows_[row].label, std::move(prediction), {}});
        single_.back().set = answerer_.SetOf(single_.back().prediction, kEvaluateErrorRate);
        return;
      case learn::TaskKind::kMulti:
        multi_.push_back({*rows_[row].labels, std::move(prediction)});
        return;
      case learn::TaskKind::kRegression:
        numbers_.push_back({*rows_[row].number, std::move(prediction)});
        return;
    }
  }

  // Corrects the answers of a single-label task for the labels' shares among the rows.
  void AdjustPrior(const LabelCounts& examples) {
    const std::vector<std::string>& labels = answerer_.head().labels();
    const std::vector<double> assumed =
        AssumedShares(labels, examples, answerer_.head().settings().prior);
    std::vector<learn::Prediction> predictions;
    for (const learn::Judged& row : single_) predictions.push_back(row.prediction);
    const std::vector<double> shares = learn::EstimateShares(predictions, assumed);
    for (learn::Judged& row : single_) {
      learn::ApplyShares(shares, assumed, row.prediction);
      row.set = answerer_.SetOf(row.prediction, kEvaluateErrorRate);
    }
    for (std::size_t c = 0; c < labels.size(); ++c) estimated_prior_[labels[c]] = shares[c];
  }

  Evaluation Take(const std::vector<learn::Prediction>& others) const {
    const std::vector<std::string>& labels = answerer_.head().labels();
    if (answerer_.kind() == learn::TaskKind::kMulti)
      return learn::EvaluateLabels(multi_, others, labels, kHoldsThreshold);
    if (answerer_.kind() == learn::TaskKind::kRegression)
      return learn::EvaluateNumbers(numbers_, others, answerer_.IntervalHalf(kEvaluateErrorRate));
    learn::Metrics metrics = learn::Evaluate(single_, others, labels);
    metrics.estimated_prior = estimated_prior_;
    return metrics;
  }

 private:
  const Answerer& answerer_;
  const std::vector<EvaluateRow>& rows_;
  std::vector<learn::Judged> single_;
  std::vector<learn::JudgedLabels> multi_;
  std::vector<learn::JudgedNumber> numbers_;
  std::map<std::string, double> estimated_prior_;
};

}  // namespace

Result<Evaluation> Service::Evaluate(const std::string& task, const std::vector<EvaluateRow>& rows,
                                     const std::vector<std::string>& out_of_scope,
                                     bool adjust_prior) {
  CTT_ASSIGN_OR_RETURN(const auto served, state_->catalog.Find(task));
  if (served->head == nullptr) return NothingToAnswer(*served);
  const Answerer answerer(served->head, served->rates, served->settings);
  PredictOptions asked;
  asked.adjust_prior = adjust_prior;
  CTT_RETURN_IF_ERROR(answerer.CheckOptions(asked));
  std::vector<std::string> texts;
  for (const EvaluateRow& row : rows) texts.push_back(row.text);
  const Limits& limits = state_->options.limits;
  CTT_RETURN_IF_ERROR(CheckTexts(texts, limits));
  CTT_RETURN_IF_ERROR(CheckEvaluateRows(rows, task, answerer.kind(), limits));
  if (!out_of_scope.empty()) {
    const Status others = CheckTexts(out_of_scope, limits);
    if (!others.ok()) return others.WithContext("out of scope");
  }
  Judges judges(answerer, rows);
  CTT_RETURN_IF_ERROR(
      state_->ForEachPhi(texts, [&](std::size_t i, std::span<const std::int8_t> phi) {
        judges.Add(i, answerer.Predict(phi, answerer.NGramsFor(texts[i])));
      }));
  if (adjust_prior) judges.AdjustPrior(served->label_counts);
  std::vector<learn::Prediction> others;
  CTT_RETURN_IF_ERROR(
      state_->ForEachPhi(out_of_scope, [&](std::size_t i, std::span<const std::int8_t> phi) {
        others.push_back(answerer.Predict(phi, answerer.NGramsFor(out_of_scope[i])));
      }));
  return judges.Take(others);
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
  if (served->head == nullptr) return NothingToAnswer(*served);
  const Answerer answerer(served->head, served->rates, served->settings);
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

}  // namespace ctt::service
