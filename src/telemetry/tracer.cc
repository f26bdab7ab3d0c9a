#include "telemetry/tracer.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <random>

#include <fmt/format.h>

#include "base/json_writer.h"

namespace ctt::telemetry {
namespace {

constexpr std::chrono::milliseconds kSendEvery{1000};
constexpr std::size_t kSendTraces = 512;  // One export; some 400 KiB.
constexpr std::int64_t kSendTimeoutMs = 3000;
constexpr int kKindInternal = 1;  // The numbers are OTLP's.
constexpr int kKindServer = 2;
constexpr int kStatusError = 2;

std::int64_t SteadyMicros() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

std::size_t SpanCount(const std::vector<RequestTrace>& traces) {
  std::size_t spans = traces.size();
  for (const RequestTrace& trace : traces) spans += trace.stages.size();
  return spans;
}

Result<std::string> Unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    unsigned value = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() < 2 || error != std::errc() || end != digits.data() + 2)
      return InvalidArgument("a '%' without two hex digits");
    plain += static_cast<char>(value);
    i += 2;
  }
  return plain;
}

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// The form of OTEL_EXPORTER_OTLP_HEADERS. Values are secrets: no message shows one.
Result<std::vector<std::pair<std::string, std::string>>> ParseHeaders(std::string_view list) {
  std::vector<std::pair<std::string, std::string>> headers;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view one = Trim(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (one.empty()) continue;
    const std::size_t equals = one.find('=');
    const std::string_view name = Trim(one.substr(0, std::min(equals, one.size())));
    const bool good = equals != std::string_view::npos && !name.empty() &&
                      std::all_of(name.begin(), name.end(), [](char c) {
                        return c > ' ' && c < 127 &&
                               std::string_view(":;,=()\"").find(c) == std::string_view::npos;
                      });
    auto value = good ? Unescape(Trim(one.substr(equals + 1))) : Result<std::string>("");
    if (!good || !value.ok() || value->find_first_of("\r\n") != std::string::npos) {
      return Status(Code::kInvalidArgument, "bad_otlp_headers",
                    "headers for the collector are NAME=VALUE,NAME=VALUE");
    }
    headers.emplace_back(name, *std::move(value));
  }
  return headers;
}

void Attribute(JsonWriter& json, std::string_view key, std::string_view text) {
  json.BeginObject().Field("key", key).Key("value").BeginObject();
  json.Field("stringValue", text).EndObject().EndObject();
}

void Attribute(JsonWriter& json, std::string_view key, int number) {
  json.BeginObject().Field("key", key).Key("value").BeginObject();
  json.Field("intValue", std::to_string(number)).EndObject().EndObject();
}

// A span up to its attributes. 64-bit integers are strings in the JSON of protobuf.
void BeginSpan(JsonWriter& json, const std::string& trace_id, std::string_view id,
               std::string_view parent_id, std::string_view name, int kind, std::int64_t begin_us,
               std::int64_t end_us) {
  json.BeginObject().Field("traceId", trace_id).Field("spanId", id);
  if (!parent_id.empty()) json.Field("parentSpanId", parent_id);
  json.Field("name", name).Field("kind", kind);
  json.Field("startTimeUnixNano", fmt::format("{}000", begin_us));
  json.Field("endTimeUnixNano", fmt::format("{}000", end_us));
}

// Ids of one process never repeat: a counter from a random start, spread by an odd factor.
std::string NextSpanId(std::uint64_t& ids) {
  ids += 2;
  return fmt::format("{:016x}", (ids | 1) * 0x9E3779B97F4A7C15ULL);
}

void AppendTrace(JsonWriter& json, const RequestTrace& trace, std::uint64_t& ids) {
  const std::string root = NextSpanId(ids);
  BeginSpan(json, trace.context.trace_id, root, trace.context.parent_id,
            fmt::format("{} {}", trace.method, trace.route), kKindServer, trace.begin_us,
            trace.end_us);
  json.Key("attributes").BeginArray();
  Attribute(json, "http.request.method", trace.method);
  Attribute(json, "http.route", trace.route);
  Attribute(json, "http.response.status_code", trace.status);
  Attribute(json, "ctt.request_id", trace.request_id);
  json.EndArray();
  if (trace.status >= 500) json.Key("status").BeginObject().Field("code", kStatusError).EndObject();
  json.EndObject();
  for (const RequestTrace::StageSpan& stage : trace.stages) {
    BeginSpan(json, trace.context.trace_id, NextSpanId(ids), root, StageName(stage.stage),
              kKindInternal, stage.begin_us, stage.end_us);
    json.EndObject();
  }
}

}  // namespace

Result<std::unique_ptr<Tracer>> Tracer::Start(const TracerOptions& options, Metrics& metrics,
                                              Log& log) {
  CTT_ASSIGN_OR_RETURN(HttpUrl url, ParseHttpUrl(options.endpoint));
  CTT_ASSIGN_OR_RETURN(auto headers, ParseHeaders(options.headers));
  if (!(options.ratio >= 0 && options.ratio <= 1))
    return InvalidArgument("the share of requests to trace is a number from 0 to 1");
  return std::unique_ptr<Tracer>(
      new Tracer(options, std::move(url), std::move(headers), metrics, log));
}

Tracer::Tracer(const TracerOptions& options, HttpUrl url,
               std::vector<std::pair<std::string, std::string>> headers, Metrics& metrics, Log& log)
    : options_(options),
      url_(std::move(url)),
      headers_(std::move(headers)),
      metrics_(metrics),
      log_(log),
      span_ids_((static_cast<std::uint64_t>(std::random_device()()) << 32) ^
                std::random_device()()),
      thread_([this] { Work(); }) {}

Tracer::~Tracer() { Drain(0); }

// By the last 56 bits of the id, which W3C Trace Context Level 2 asks to be random.
bool Tracer::Samples(std::string_view trace_id) const {
  std::uint64_t low = 0;
  const std::string_view digits = trace_id.substr(trace_id.size() - 14);
  std::from_chars(digits.data(), digits.data() + digits.size(), low, 16);
  return static_cast<double>(low) < options_.ratio * 0x1p56;
}

void Tracer::Add(RequestTrace trace) {
  const std::size_t spans = 1 + trace.stages.size();
  std::size_t size = 0;
  const bool taken = queue_.With([&](Queue& queue) {
    if (queue.waiting.size() >= kQueueMax || queue.stop_at_us >= 0) return false;
    queue.waiting.push_back(std::move(trace));
    size = queue.waiting.size();
    return true;
  });
  if (!taken) metrics_.CountSpansDropped(static_cast<std::int64_t>(spans));
  if (size == kSendTraces) queue_.NotifyOne();
}

void Tracer::Drain(std::int64_t timeout_ms) {
  if (!thread_.joinable()) return;
  queue_.With([&](Queue& queue) { queue.stop_at_us = SteadyMicros() + timeout_ms * 1000; });
  queue_.NotifyOne();
  thread_.join();
}

void Tracer::Work() {
  while (true) {
    queue_.AwaitFor(kSendEvery, [](const Queue& queue) {
      return queue.stop_at_us >= 0 || queue.waiting.size() >= kSendTraces;
    });
    std::int64_t stop_at_us = -1;
    const std::vector<RequestTrace> traces = queue_.With([&](Queue& queue) {
      stop_at_us = queue.stop_at_us;
      const auto end = queue.waiting.begin() +
                       static_cast<std::ptrdiff_t>(std::min(kSendTraces, queue.waiting.size()));
      std::vector<RequestTrace> taken(std::make_move_iterator(queue.waiting.begin()),
                                      std::make_move_iterator(end));
      queue.waiting.erase(queue.waiting.begin(), end);
      return taken;
    });
    const bool stopping = stop_at_us >= 0;
    if (stopping && traces.empty()) return;
    const std::int64_t left_ms = (stop_at_us - SteadyMicros()) / 1000;
    Send(traces, stopping ? std::min(kSendTimeoutMs, left_ms) : kSendTimeoutMs);
  }
}

void Tracer::Send(const std::vector<RequestTrace>& traces, std::int64_t timeout_ms) {
  if (traces.empty()) return;
  const auto spans = static_cast<std::int64_t>(SpanCount(traces));
  if (timeout_ms <= 0) return metrics_.CountSpansDropped(spans);
  HttpCall call{"POST", url_.path + "/v1/traces", headers_, {}, timeout_ms, options_.ca_file};
  call.headers.emplace_back("Content-Type", "application/json");
  call.body = ExportJson(options_, traces, span_ids_);
  const Result<HttpAnswer> answer = CallHttp(url_, call);
  const bool good = answer.ok() && answer->status >= 200 && answer->status < 300;
  good ? metrics_.CountSpansExported(spans) : metrics_.CountSpansDropped(spans);
  if (failing_ == !good) return;
  failing_ = !good;
  const std::string why = good          ? "taken"
                          : answer.ok() ? "it answers " + std::to_string(answer->status)
                                        : answer.status().message();
  log_.Write(good ? LogLevel::kInfo : LogLevel::kWarning,
             good ? "traces_exported_again" : "traces_not_exported",
             {{"endpoint", std::string_view(options_.endpoint)}, {"why", std::string_view(why)}});
}

std::string Tracer::ExportJson(const TracerOptions& options,
                               const std::vector<RequestTrace>& traces, std::uint64_t& span_ids) {
  JsonWriter json;
  json.BeginObject().Key("resourceSpans").BeginArray().BeginObject();
  json.Key("resource").BeginObject().Key("attributes").BeginArray();
  Attribute(json, "service.name", "ctt");
  Attribute(json, "service.version", options.version);
  Attribute(json, "deployment.environment.name", options.environment);
  json.EndArray().EndObject();
  json.Key("scopeSpans").BeginArray().BeginObject();
  json.Key("scope").BeginObject().Field("name", "ctt").EndObject();
  json.Key("spans").BeginArray();
  for (const RequestTrace& trace : traces) AppendTrace(json, trace, span_ids);
  json.EndArray().EndObject().EndArray();
  json.EndObject().EndArray().EndObject();
  return std::move(json).Take();
}

}  // namespace ctt::telemetry
