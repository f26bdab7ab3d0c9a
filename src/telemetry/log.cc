#include "telemetry/log.h"

#include <chrono>

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "base/json_writer.h"
#include "base/rfc3339.h"

namespace ctt::telemetry {
namespace {

constexpr std::string_view kLevelNames[] = {"debug", "info", "warning", "error", "off"};

spdlog::level::level_enum Spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

void AppendValue(JsonWriter& json, const LogField& field) {
  json.Key(field.name);
  struct Append {
    JsonWriter& json;
    void operator()(std::string_view text) const { json.String(text); }
    void operator()(std::int64_t number) const { json.Integer(number); }
    void operator()(double number) const { json.Number(number); }
    void operator()(bool truth) const { json.Bool(truth); }
  };
  std::visit(Append{json}, field.value);
}

}  // namespace

Result<LogLevel> ParseLogLevel(std::string_view name) {
  std::string lower;
  for (const char c : name) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (lower == "warn") return LogLevel::kWarning;
  for (std::size_t i = 0; i < std::size(kLevelNames); ++i)
    if (lower == kLevelNames[i]) return static_cast<LogLevel>(i);
  return Status(Code::kInvalidArgument, "bad_log_level",
                "a log level is debug, info, warning, error or off");
}

struct Log::Sink {
  explicit Sink(LogLevel level) : logger("ctt", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger.set_pattern("%v");
    logger.set_level(Spdlog(level));
    logger.flush_on(spdlog::level::debug);
  }
  spdlog::logger logger;
};

Log::Log(LogLevel level) : sink_(std::make_unique<Sink>(level)) {}
Log::~Log() = default;

bool Log::Enabled(LogLevel level) const { return sink_->logger.should_log(Spdlog(level)); }

void Log::SetLevel(LogLevel level) { sink_->logger.set_level(Spdlog(level)); }

void Log::Write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (level == LogLevel::kOff || !Enabled(level)) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t unix_us = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  sink_->logger.log(Spdlog(level), spdlog::string_view_t(Line(unix_us, level, event, fields)));
}

std::string Log::Line(std::int64_t unix_us, LogLevel level, std::string_view event,
                      std::initializer_list<LogField> fields) {
  JsonWriter json;
  json.BeginObject()
      .Field("time", Rfc3339(unix_us))
      .Field("level", kLevelNames[static_cast<std::size_t>(level)])
      .Field("event", event);
  for (const LogField& field : fields) AppendValue(json, field);
  return std::move(json.EndObject()).Take();
}

}  // namespace ctt::telemetry
