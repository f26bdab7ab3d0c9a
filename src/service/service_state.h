#pragma once
// What a Service is made of; for the files that carry out its verbs: service.cc (learning, tasks,
// the data directory) and service_answers.cc (answers, and what is measured with them). Threads: as
// service.h says.
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "service/answerer.h"
#include "service/catalog.h"
#include "service/encode_queue.h"
#include "service/explainer.h"
#include "service/follower.h"
#include "service/learner.h"
#include "service/router.h"
#include "service/service.h"
#include "service/settler.h"
#include "service/word_weights.h"
#include "store/home.h"
#include "text/ngrams.h"

namespace ctt::service {

// A text's words, and what the head needs of the text without each of them.
struct WordsLeftOut {
  std::vector<WordWeight> words;
  std::vector<text::NGrams> ngrams;
};

TaskInfo Describe(const ServedTask& task);

// Members stand in the order of their making; they go in the reverse one, so that whoever calls
// another is gone before it.
struct Service::State {
  ServiceOptions options;
  const Clock& clock;
  telemetry::Metrics& metrics;
  std::unique_ptr<const encoder::Encoder> encoder;
  store::Home data;
  Stores stores;
  std::unique_ptr<KeyRing> keys;
  Catalog catalog;
  std::unique_ptr<Settler> settler;
  std::unique_ptr<Learner> learner;
  std::unique_ptr<Follower> follower;  // Of a log that others write to.
  std::unique_ptr<Explainer> explainer;
  std::unique_ptr<Router> router;
  std::unique_ptr<EncodeQueue> queue;
  std::mutex backing_up;

  State(const ServiceOptions& given, const Clock& given_clock, telemetry::Metrics& given_metrics,
        telemetry::Log& given_log, std::unique_ptr<const encoder::Encoder> loaded,
        store::Home opened)
      : options(given),
        clock(given_clock),
        metrics(given_metrics),
        encoder(std::move(loaded)),
        data(std::move(opened)),
        stores{data.store(), data.artifacts(), given_log} {}

  ~State() {
    follower.reset();
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
  // Tasks as the catalog has them at this moment, by id.
  std::map<store::TaskId, std::shared_ptr<const ServedTask>> TasksById() const;
  Status CheckTokens(const std::vector<text::TokenIds>& tokens, bool truncate) const;
  Result<ServedVersion> FindVersion(const ServedTask& task, std::int64_t version) const;
  Result<ServedVersion> FindAlias(const ServedTask& task, const std::string& alias) const;
  Result<ServedVersion> Choose(const ServedTask& task, const PredictOptions& options) const;
  Result<encoder::Features> EncodeNow(std::vector<text::TokenIds> texts);
  // Encodes the texts chunk by chunk and hands out the features of each, in order.
  Status ForEachPhi(
      const std::vector<std::string>& texts,
      const std::function<void(std::size_t text, std::span<const std::int8_t> phi)>& take);
};

}  // namespace ctt::service
