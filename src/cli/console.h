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

// "ctt: message", on standard error; the exit code 1.
int PrintError(const Status& status);

void PrintJson(const json::value& value);

// A bar on standard error while it lives. Without a terminal it prints nothing.
class Progress {
 public:
  // `total` 0: not known.
  Progress(std::string what, std::int64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void Set(std::int64_t done);

 private:
  const std::string what_;
  const std::int64_t total_;
  const bool shown_;
  double start_s_ = 0;
  double last_s_ = 0;
};

double SteadySeconds();

}  // namespace ctt::cli
