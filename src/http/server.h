#pragma once
// Server: ctt over HTTP/1.1. It listens from the start and answers the probes; the other routes
// answer 503 with Retry-After until Serve hands it a Service.
//
// Every request passes one runner (runner.h): route, limits, request id, deadline, metrics, log,
// errors. The routes are rows of one table (routes.h); api/openapi.yaml describes them. Errors are
// RFC 9457 problem+json with a stable `code`.
//
// Bounded: connections, header and body bytes, time for each of them, waiting blocking work. Only
// the NDJSON and CSV learning streams have no length limit; they are read row by row
// (learn_stream.h).
//
// Threads: `io_threads` of its own read, parse and write; `blocking_threads` run the verbs of
// Service that block. Public calls are safe from any thread.
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "service/service.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "telemetry/tracer.h"

namespace ctt::http {

struct ServerOptions {
  std::string listen =
      "127.0.0.1:8000";         // ADDRESS:PORT, [ADDRESS]:PORT for IPv6; port 0: any free one.
  bool read_only = false;       // Only what the scope `predict` may, and reading.
  bool insecure = false;        // Allow an address that other machines reach, without keys.
  std::string tls_certificate;  // PEM files; both or none. Empty: plain HTTP.
  std::string tls_key;
  bool has_keys = false;          // The data directory has keys: such an address is allowed.
  std::string version = "0.0.0";  // What GET /version answers.

  std::int32_t io_threads = 1;
  std::int32_t blocking_threads = 4;
  std::int32_t blocking_queue_max = 256;  // Calls waiting for a blocking thread; past it 429.

  std::int32_t connections_max = 10'000;
  std::int64_t header_bytes_max = 16 * 1024;
  std::int64_t body_bytes_max = 8 * 1024 * 1024;
  std::int32_t texts_max = 100;             // Of one prediction call.
  std::int64_t row_bytes_max = 256 * 1024;  // Of one row of a stream.
  std::int32_t stream_chunk_rows = 256;     // Rows learned at once from a stream,
  std::int32_t stream_chunks_max = 3;       // and how many such chunks are under way at most.

  std::int64_t header_timeout_ms =
      10'000;                              // From a request's first byte to the end of its headers.
  std::int64_t body_timeout_ms = 30'000;   // For a whole body; for each read of a stream.
  std::int64_t write_timeout_ms = 30'000;  // Without any progress of the answer.
  std::int64_t idle_timeout_ms = 75'000;   // Between two requests of a connection.

  std::int64_t access_log_every = 1;  // Of the answers below 400, the log has one in so many.
};

class Server {
 public:
  // Binds and starts answering. kInvalidArgument ("bad_listen_address"); kFailedPrecondition
  // ("insecure_listen"): the address is not loopback, `insecure` and `has_keys` are false;
  // kUnavailable
  // ("address_in_use"), kInvalidArgument ("bad_certificate"). `clock`, `metrics`, `log` and
  // `tracer` must outlive the server; `tracer` may be null: no traces.
  static Result<std::unique_ptr<Server>> Start(const ServerOptions& options, const Clock& clock,
                                               telemetry::Metrics& metrics, telemetry::Log& log,
                                               telemetry::Tracer* tracer = nullptr);
  // What Start would refuse without binding anything: the address, the certificate.
  static Status Check(const ServerOptions& options);
  ~Server();  // As Stop(0).
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // From now on every route answers, and /readyz says ready. Once. `service` must outlive Stop.
  void Serve(service::Service& service);

  // Reads the certificate and its key again; done by itself some seconds after the files change.
  // Bad files change nothing. kInvalidArgument ("bad_certificate").
  Status ReloadTls();

  // Unready at once, accepts no more connections, answers what was accepted, closes, joins. Blocks
  // for at most about `drain_timeout_ms`, after which connections are cut. true: everything was
  // answered. A later call returns what the first did.
  bool Stop(std::int64_t drain_timeout_ms);

  const std::string& address() const;  // "127.0.0.1:8000", the port really bound.
  std::uint16_t port() const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ctt::http
