#pragma once
// LoadBench: what `ctt bench serve` does: predictions sent to a server, and the time that each
// took.
//
// Closed loop (no rate): every connection sends its next request when the answer is there, which
// finds the most that the server does. Open loop (a rate): requests are due at fixed instants,
// whatever the answers do; a request waits for a free connection, and its time counts from the
// instant at which it was due, so that a server that stalls cannot hide it.
//
// Threads: one of its own for all connections. Plain HTTP/1.1 with keep-alive.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"

namespace ctt::cli {

struct LoadOptions {
  std::string host;
  std::string port;
  std::string key;  // Sent as a bearer key, unless it is empty.
  std::string path = "/predict";
  std::int32_t connections = 64;
  double seconds = 10;
  double warmup_seconds = 1;  // Before, not counted.
  double rate = 0;            // Requests a second; 0: closed loop.
};

struct LoadResult {
  double seconds = 0;                   // From the first counted request to the last answer.
  std::map<int, std::int64_t> answers;  // By HTTP status; 0: the connection failed.
  std::vector<double> latencies_ms;     // Rising; of answers with status 200.
  std::int64_t unsent = 0;              // Due, but no connection was free before the end.
};

// Sends the bodies in turn, as JSON. kUnavailable ("unreachable"): no connection could be made.
Result<LoadResult> RunLoad(const LoadOptions& options, const std::vector<std::string>& bodies);

}  // namespace ctt::cli
