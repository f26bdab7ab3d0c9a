#pragma once
// Tracer: answered requests as OpenTelemetry spans, sent to a collector by OTLP/HTTP in its JSON
// encoding (OTLP 1.0): one span for the request, one below it for each stage.
//
// Answering never waits for it: traces stand in a queue of kQueueMax, past which they are dropped,
// and one thread of its own sends what is there once a second, or sooner when much is there. What a
// collector refuses or cannot be given is dropped as well; drops are counted in
// ctt_trace_spans_dropped_total.
//
// Threads: every call is safe from any thread.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "base/http_call.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "telemetry/stage_times.h"
#include "telemetry/trace_context.h"

namespace ctt::telemetry {

struct TracerOptions {
  std::string endpoint;     // http(s)://HOST[:PORT][/PATH]; spans go to PATH/v1/traces.
  std::string headers;      // Sent along: "name=value,name=value", values percent-encoded.
  std::string ca_file;      // See HttpCall.
  double ratio = 1;         // Of the requests that come without a trace, those that begin one.
  std::string version;      // service.version
  std::string environment;  // deployment.environment.name
};

// One answered request. Times are Unix time.
struct RequestTrace {
  struct StageSpan {
    Stage stage;
    std::int64_t begin_us = 0;
    std::int64_t end_us = 0;
  };
  TraceContext context;
  std::string_view method;  // Of a static lifetime, as is the route.
  std::string_view route;
  int status = 0;
  std::string request_id;
  std::int64_t begin_us = 0;
  std::int64_t end_us = 0;
  std::vector<StageSpan> stages;
};

class Tracer {
 public:
  static constexpr std::size_t kQueueMax = 4096;  // Traces; some 2 MiB.

  // kInvalidArgument: the endpoint is no URL, a header has no name, the ratio is not in [0, 1].
  // `metrics` and `log` must outlive the tracer.
  static Result<std::unique_ptr<Tracer>> Start(const TracerOptions& options, Metrics& metrics,
                                               Log& log);
  ~Tracer();  // As Drain(0).
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  // Whether a trace that begins here is wanted: the same for every part that sees the same id.
  bool Samples(std::string_view trace_id) const;
  void Add(RequestTrace trace);
  // Sends what waits for at most about `timeout_ms`, drops the rest, and ends. Once.
  void Drain(std::int64_t timeout_ms);

  // The body of one export.
  static std::string ExportJson(const TracerOptions& options,
                                const std::vector<RequestTrace>& traces, std::uint64_t& span_ids);

 private:
  struct Queue {
    std::vector<RequestTrace> waiting;
    std::int64_t stop_at_us = -1;  // Steady; -1: go on.
  };
  Tracer(const TracerOptions& options, HttpUrl url,
         std::vector<std::pair<std::string, std::string>> headers, Metrics& metrics, Log& log);
  void Work();
  void Send(const std::vector<RequestTrace>& traces, std::int64_t timeout_ms);

  const TracerOptions options_;
  const HttpUrl url_;
  const std::vector<std::pair<std::string, std::string>> headers_;
  Metrics& metrics_;
  Log& log_;
  std::uint64_t span_ids_;  // Of the thread.
  bool failing_ = false;    // Of the thread: the last export failed.
  Guarded<Queue> queue_;
  std::thread thread_;
};

}  // namespace ctt::telemetry
