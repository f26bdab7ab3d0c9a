#include "telemetry/metrics.h"

#include <algorithm>
#include <array>
#include <map>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "base/guarded.h"
#include "telemetry/process_figures.h"

namespace ctt::telemetry {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using Buckets = Histogram::BucketBoundaries;

constexpr std::string_view kOther = "other";

// A request is rarely faster than one short text through the encoder (some 100 us) and past the
// default deadline (5 s) nobody waits.
const Buckets& RequestBuckets() {
  static const Buckets buckets = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                  0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
  return buckets;
}

// Parsing or tokenising one short text takes some 10 us.
const Buckets& StageBuckets() {
  static const Buckets buckets = {0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005,
                                  0.001,   0.0025,   0.005,   0.01,   0.025,   0.05,
                                  0.1,     0.25,     0.5,     1,      2.5,     5};
  return buckets;
}

const Buckets& WorkBuckets() {
  static const Buckets buckets = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                  0.5,   1,      2.5,   5,    10,    30,   60,  300};
  return buckets;
}

// Made with zero for each route; the codes that are left appear with their first answer.
constexpr int kUsualCodes[] = {200, 400, 404, 413, 422, 429, 500, 503, 504};

// Counters of one name, a series for each value of one label. Past `values_max` values: "other".
class LabelledCounters {
 public:
  LabelledCounters(Family<Counter>& family, const char* label, std::size_t values_max)
      : family_(family), label_(label), values_max_(values_max) {
    family_.Add({{label_, std::string(kOther)}});
  }
  Counter& At(std::string_view value) {
    return *series_.With([&](auto& series) {
      const auto found = series.find(value);
      if (found != series.end()) return found->second;
      const std::string name(series.size() < values_max_ ? value : kOther);
      Counter* counter = &family_.Add({{label_, name}});
      if (name == value) series.emplace(name, counter);
      return counter;
    });
  }

 private:
  Family<Counter>& family_;
  const char* label_;
  const std::size_t values_max_;
  Guarded<std::map<std::string, Counter*, std::less<>>> series_;
};

struct RouteSeries {
  std::map<int, Counter*> by_status;
  Histogram* duration = nullptr;
};

// process_cpu_seconds_total is a counter, so it takes differences.
class ProcessSeries {
 public:
  explicit ProcessSeries(prometheus::Registry& registry)
      : cpu_(prometheus::BuildCounter()
                 .Name("process_cpu_seconds_total")
                 .Help("User and system CPU time spent.")
                 .Register(registry)
                 .Add({})),
        gauges_{&Make(registry, "process_start_time_seconds", "Start of the process, Unix time."),
                &Make(registry, "process_resident_memory_bytes", "Resident memory."),
                &Make(registry, "process_virtual_memory_bytes", "Virtual memory."),
                &Make(registry, "process_open_fds", "Open file descriptors."),
                &Make(registry, "process_max_fds", "Most file descriptors allowed."),
                &Make(registry, "process_threads", "Threads of the process.")} {}

  void Read() {
    const ProcessFigures figures = ReadProcessFigures();
    cpu_seconds_.With([&](double& counted) {
      cpu_.Increment(std::max(0.0, figures.cpu_seconds - counted));
      counted = std::max(counted, figures.cpu_seconds);
    });
    const double values[] = {figures.start_time_seconds,
                             static_cast<double>(figures.resident_bytes),
                             static_cast<double>(figures.virtual_bytes),
                             static_cast<double>(figures.open_fds),
                             static_cast<double>(figures.max_fds),
                             static_cast<double>(figures.threads)};
    for (std::size_t i = 0; i < std::size(values); ++i) gauges_[i]->Set(values[i]);
  }

 private:
  static Gauge& Make(prometheus::Registry& registry, const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }
  Counter& cpu_;
  Gauge* gauges_[6];
  Guarded<double> cpu_seconds_;
};

}  // namespace

struct Metrics::Series {
  prometheus::Registry registry;

  Family<Counter>& Counters(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  Family<Gauge>& Gauges(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
  Family<Histogram>& Histograms(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }
  Histogram& OneHistogram(const char* name, const char* help, const Buckets& buckets) {
    return Histograms(name, help).Add({}, buckets);
  }

  Family<Counter>& requests = Counters("inference_requests_total", "Answered HTTP requests.");
  Family<Histogram>& durations = Histograms("inference_duration_seconds",
                                            "From the end of a request's headers to its answer.");
  Guarded<std::map<std::string, RouteSeries, std::less<>>> routes;

  Family<Histogram>& stage_durations = Histograms(
      "ctt_request_stage_duration_seconds", "Time of answered requests in each of their stages.");
  std::array<Histogram*, kStages.size()> stages = MakeStages();

  Gauge& queue_texts = Gauges("inference_queue_depth", "Texts waiting to be encoded.").Add({});
  Gauge& queue_tokens = Gauges("inference_queue_tokens", "Tokens waiting to be encoded.").Add({});
  Counter& queue_rejected =
      Counters("inference_queue_rejected_total", "Calls refused because the queue was full.")
          .Add({});
  Counter& deadline_exceeded =
      Counters("inference_deadline_exceeded_total", "Calls whose time was over.").Add({});

  LabelledCounters predictions{Counters("ctt_predictions_total", "Texts answered."), "task",
                               kTaskLabelsMax};
  LabelledCounters out_of_scope{
      Counters("ctt_out_of_scope_total", "Texts answered with 'none of these'."), "task",
      kTaskLabelsMax};
  LabelledCounters canary{Counters("ctt_canary_predictions_total", "Texts answered by a canary."),
                          "task", kTaskLabelsMax};
  LabelledCounters shadowed{
      Counters("ctt_shadow_predictions_total", "Texts that a shadow scored too."), "task",
      kTaskLabelsMax};
  LabelledCounters shadow_agrees{Counters("ctt_shadow_agreements_total",
                                          "Texts for which a shadow's first label was answered."),
                                 "task", kTaskLabelsMax};
  LabelledCounters publish_refused{
      Counters("ctt_publish_refused_total", "Versions that the gate kept from being served."),
      "task", kTaskLabelsMax};
  LabelledCounters learned{Counters("ctt_learned_examples_total", "Examples learned."), "task",
                           kTaskLabelsMax};
  LabelledCounters unlearned{Counters("ctt_unlearned_examples_total", "Examples unlearned."),
                             "task", kTaskLabelsMax};

  Counter& encoded_texts = Counters("ctt_encode_texts_total", "Texts encoded.").Add({});
  Counter& encoded_tokens = Counters("ctt_encode_tokens_total", "Tokens encoded.").Add({});
  Histogram& encode_batch_texts =
      OneHistogram("ctt_encode_batch_texts", "Texts of one encoder pass.",
                   {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024});
  Histogram& encode_duration =
      OneHistogram("ctt_encode_duration_seconds", "Time of one encoder pass.", RequestBuckets());

  Histogram& model_load =
      OneHistogram("model_load_duration_seconds", "Time to load the encoder.", WorkBuckets());
  Histogram& head_publish =
      OneHistogram("ctt_head_publish_duration_seconds",
                   "From taking lessons up to their head being served.", RequestBuckets());
  Histogram& settle =
      OneHistogram("ctt_settle_duration_seconds",
                   "Choosing a head's settings anew over all examples.", WorkBuckets());

  Counter& spans_exported =
      Counters("ctt_trace_spans_exported_total", "Spans that the collector has taken.").Add({});
  Counter& spans_dropped =
      Counters("ctt_trace_spans_dropped_total", "Spans that no collector has taken.").Add({});

  Gauge& tasks = Gauges("ctt_tasks", "Tasks held.").Add({});
  Gauge& ready = Gauges("ctt_ready", "1 when every route answers.").Add({});
  Gauge& catalog_lag =
      Gauges("ctt_catalog_lag_seconds",
             "How far the served heads are behind the log: by the last version that came from "
             "another process; while the database is gone, since it was last read.")
          .Add({});
  Histogram& follow =
      OneHistogram("ctt_catalog_follow_seconds",
                   "From the making of a version in another process to its being served here.",
                   RequestBuckets());
  Gauge& database_up = Gauges("ctt_database_up", "1 when the log can be read.").Add({});
  Gauge& isa_fell_back =
      Gauges("ctt_isa_fell_back", "1 when the fastest kernels failed their self-check.").Add({});
  Family<Gauge>& isa_info = Gauges("ctt_isa_info", "1 for the engine and instruction set in use.");
  Family<Gauge>& build_info = Gauges("ctt_build_info", "1 for the version that runs.");
  Family<Gauge>& store_info =
      Gauges("ctt_store_info", "1 for what holds the log: a directory or postgresql.");
  Gauge* isa_unknown = &isa_info.Add({{"engine", "none"}, {"isa", "none"}});
  Gauge* build_unknown = &build_info.Add({{"version", "none"}});
  ProcessSeries process{registry};

  Counter* Requests(std::string_view route, int status) {
    return &requests.Add({{"route", std::string(route)}, {"status", std::to_string(status)}});
  }
  std::array<Histogram*, kStages.size()> MakeStages() {
    std::array<Histogram*, kStages.size()> made{};
    for (const Stage stage : kStages) {
      made[static_cast<std::size_t>(stage)] =
          &stage_durations.Add({{"stage", std::string(StageName(stage))}}, StageBuckets());
    }
    return made;
  }
  RouteSeries MakeRoute(std::string_view route) {
    RouteSeries series;
    for (const int status : kUsualCodes) series.by_status[status] = Requests(route, status);
    series.duration = &durations.Add({{"route", std::string(route)}}, RequestBuckets());
    return series;
  }
};

Metrics::Metrics() : series_(std::make_unique<Series>()) {
  AddRoute(kOther);
  SetDatabaseUp(true);
}
Metrics::~Metrics() = default;

void Metrics::AddRoute(std::string_view route) {
  series_->routes.With([&](auto& routes) {
    if (!routes.contains(route)) routes.emplace(route, series_->MakeRoute(route));
  });
}

void Metrics::CountRequest(std::string_view route, int status, double seconds) {
  const auto [counter, duration] = series_->routes.With([&](auto& routes) {
    auto row = routes.find(route);
    if (row == routes.end()) row = routes.find(kOther);
    Counter*& counted = row->second.by_status[status];
    if (counted == nullptr) counted = series_->Requests(row->first, status);
    return std::pair(counted, row->second.duration);
  });
  counter->Increment();
  duration->Observe(seconds);
}

void Metrics::ObserveStage(Stage stage, double seconds) {
  series_->stages[static_cast<std::size_t>(stage)]->Observe(seconds);
}

void Metrics::CountPrediction(std::string_view task, bool in_scope) {
  series_->predictions.At(task).Increment();
  if (!in_scope) series_->out_of_scope.At(task).Increment();
}

void Metrics::CountCanary(std::string_view task) { series_->canary.At(task).Increment(); }

void Metrics::CountShadow(std::string_view task, bool agrees) {
  series_->shadowed.At(task).Increment();
  if (agrees) series_->shadow_agrees.At(task).Increment();
}

void Metrics::CountPublishRefused(std::string_view task) {
  series_->publish_refused.At(task).Increment();
}

void Metrics::CountLearned(std::string_view task, std::int64_t examples) {
  series_->learned.At(task).Increment(static_cast<double>(examples));
}

void Metrics::CountUnlearned(std::string_view task, std::int64_t examples) {
  series_->unlearned.At(task).Increment(static_cast<double>(examples));
}

void Metrics::SetQueue(std::int64_t texts, std::int64_t tokens) {
  series_->queue_texts.Set(static_cast<double>(texts));
  series_->queue_tokens.Set(static_cast<double>(tokens));
}

void Metrics::CountEncoded(std::int64_t texts, std::int64_t tokens, double seconds) {
  series_->encoded_texts.Increment(static_cast<double>(texts));
  series_->encoded_tokens.Increment(static_cast<double>(tokens));
  series_->encode_batch_texts.Observe(static_cast<double>(texts));
  series_->encode_duration.Observe(seconds);
}

void Metrics::CountQueueRejected() { series_->queue_rejected.Increment(); }
void Metrics::CountDeadlineExceeded() { series_->deadline_exceeded.Increment(); }
void Metrics::ObserveModelLoad(double seconds) { series_->model_load.Observe(seconds); }
void Metrics::ObserveHeadPublish(double seconds) { series_->head_publish.Observe(seconds); }
void Metrics::ObserveSettle(double seconds) { series_->settle.Observe(seconds); }
void Metrics::CountSpansExported(std::int64_t spans) {
  series_->spans_exported.Increment(static_cast<double>(spans));
}
void Metrics::CountSpansDropped(std::int64_t spans) {
  series_->spans_dropped.Increment(static_cast<double>(spans));
}
void Metrics::ObserveFollow(double seconds) {
  series_->follow.Observe(seconds);
  series_->catalog_lag.Set(seconds);
}
void Metrics::SetCatalogLag(double seconds) { series_->catalog_lag.Set(seconds); }
void Metrics::SetDatabaseUp(bool up) { series_->database_up.Set(up ? 1 : 0); }
void Metrics::SetTasks(std::int64_t count) { series_->tasks.Set(static_cast<double>(count)); }
void Metrics::SetReady(bool ready) { series_->ready.Set(ready ? 1 : 0); }
bool Metrics::ready() const { return series_->ready.Value() > 0; }

void Metrics::SetBuild(std::string_view version, std::string_view engine, std::string_view isa,
                       bool isa_fell_back) {
  if (series_->isa_unknown != nullptr) series_->isa_info.Remove(series_->isa_unknown);
  if (series_->build_unknown != nullptr) series_->build_info.Remove(series_->build_unknown);
  series_->isa_unknown = nullptr;
  series_->build_unknown = nullptr;
  series_->isa_info.Add({{"engine", std::string(engine)}, {"isa", std::string(isa)}}).Set(1);
  series_->build_info.Add({{"version", std::string(version)}}).Set(1);
  series_->isa_fell_back.Set(isa_fell_back ? 1 : 0);
}

void Metrics::SetStore(std::string_view kind) {
  series_->store_info.Add({{"kind", std::string(kind)}}).Set(1);
}

std::string Metrics::Text() {
  series_->process.Read();
  return prometheus::TextSerializer().Serialize(series_->registry.Collect());
}

}  // namespace ctt::telemetry
