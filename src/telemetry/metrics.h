#pragma once
// Metrics: every Prometheus series of the process, made at start with zero so that a dashboard
// never meets an absent one. The names are part of the outside contract (DESIGN, section 10).
//
// Label values come from closed sets: routes, status codes, engines; a task name becomes a label
// value only for the first kTaskLabelsMax tasks, the rest share "other". Nothing from a text gets
// here.
//
// Threads: every call is safe from any thread. Durations are in seconds.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "telemetry/stage_times.h"

namespace ctt::telemetry {

class Metrics {
 public:
  static constexpr std::size_t kTaskLabelsMax = 200;

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Makes the series of a route, with zero. Once for each row of the route table, before it
  // answers.
  void AddRoute(std::string_view route);
  // One finished request. `route` is a row of the route table ("/predict"), `status` an HTTP code.
  // A route that was not added counts as "other".
  void CountRequest(std::string_view route, int status, double seconds);

  void ObserveStage(Stage stage, double seconds);

  void CountPrediction(std::string_view task, bool in_scope);
  void CountCanary(std::string_view task);               // A text answered by the canary.
  void CountShadow(std::string_view task, bool agrees);  // A text that the shadow scored too.
  void CountPublishRefused(std::string_view task);       // By the gate.
  void CountLearned(std::string_view task, std::int64_t examples);
  void CountUnlearned(std::string_view task, std::int64_t examples);

  void SetQueue(std::int64_t texts, std::int64_t tokens);  // Waiting to be encoded.
  void CountEncoded(std::int64_t texts, std::int64_t tokens, double seconds);  // One batch.
  void CountQueueRejected();
  void CountDeadlineExceeded();

  void ObserveModelLoad(double seconds);
  void ObserveHeadPublish(double seconds);
  void ObserveSettle(double seconds);

  void CountSpansExported(std::int64_t spans);
  void CountSpansDropped(std::int64_t spans);
  // A version of another process is served here, `seconds` after it was made.
  void ObserveFollow(double seconds);
  void SetCatalogLag(double seconds);  // Where the log cannot be read.
  void SetDatabaseUp(bool up);         // true at start.

  void SetTasks(std::int64_t count);
  void SetReady(bool ready);
  bool ready() const;
  // Once, before other threads use this.
  void SetBuild(std::string_view version, std::string_view engine, std::string_view isa,
                bool isa_fell_back);
  void SetStore(std::string_view kind);  // "directory" or "postgresql"; once, as SetBuild.

  // The Prometheus text exposition, with process_* read at this moment.
  std::string Text();

 private:
  struct Series;
  std::unique_ptr<Series> series_;
};

}  // namespace ctt::telemetry
