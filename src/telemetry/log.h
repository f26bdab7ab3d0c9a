#pragma once
// Log: structured lines on stderr, one JSON object each, by spdlog.
//
//   {"time":"2026-03-01T09:30:00.123456Z","level":"info","event":"request","route":"/predict",...}
//
// An event is a snake_case word from the code. Field values are what the operator may see: names of
// routes and tasks, ids, counts, paths, durations. Nothing from a text or a label ever gets here;
// invalid UTF-8 and control characters of a value are escaped, so a line is always one valid JSON
// object.
//
// Threads: every call is safe from any thread. A line is written whole.
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/status.h"

namespace ctt::telemetry {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

// "debug", "info", "warning" or "warn", "error", "off", in any case of letters, as LOG_LEVEL holds
// it. kInvalidArgument: none of them.
Result<LogLevel> ParseLogLevel(std::string_view name);

struct LogField {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, double, bool> value;
};

class Log {
 public:
  explicit Log(LogLevel level);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool Enabled(LogLevel level) const;
  void SetLevel(LogLevel level);
  void Write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

  // The line that Write gives, without its end: for tests and other sinks.
  static std::string Line(std::int64_t unix_us, LogLevel level, std::string_view event,
                          std::initializer_list<LogField> fields);

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
};

}  // namespace ctt::telemetry
