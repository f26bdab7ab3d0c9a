#pragma once
// Console: what a command prints. Answers go to standard output, as text or with --json as JSON;
// progress and errors go to standard error, progress only on a terminal.
//
// Threads: one.
#include <cstdint>
#include <string>

#include "base/json.h"
#include "base/status.h"

namespace ctt::cli {

// "ctt: message"; with `as_json` {"error":{"code","message"}}. On standard error.
void PrintError(const Status& status, bool as_json);

// One line; numbers as JsonWriter writes them.
void PrintJson(const json::value& value);
std::string JsonLine(const json::value& value);

// A bar on standard error while it lives. Without a terminal it prints nothing.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  // `fraction` of the work that is done, in [0, 1]; below 0: not known, and no bar is drawn.
  void Set(std::int64_t rows, double fraction);

 private:
  const std::string what_;
  const bool shown_;
  const double start_s_;
  double last_s_ = 0;
};

double SteadySeconds();

}  // namespace ctt::cli
