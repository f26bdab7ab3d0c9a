#pragma once
// Runner: the one way of every request, whatever its route.
//
//   Open:   request id, target, row of the table, readiness, key, media type, query names, size ->
//   a Call,
//           and a Problem when it is refused before its body is read
//   Run:    the handler on the thread that its row asks for, errors -> a Reply
//   Close:  metrics, stages, the trace and the access log
//
// A single request is a batch of one; a new concern has its place here and nowhere else.
//
// Threads: Open, Run and Close are called on the call's loop; one Runner serves all loops.
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http/blocking_pool.h"
#include "http/learn_stream.h"
#include "http/problem.h"
#include "http/route.h"
#include "telemetry/tracer.h"

namespace ctt::http {

class Runner {
 public:
  // `tracer` may be null: no traces.
  Runner(const ServerOptions& options, const Clock& clock, telemetry::Metrics& metrics,
         telemetry::Log& log, telemetry::Tracer* tracer);

  // From now on every row answers.
  void SetService(service::Service* service) { service_.store(service); }
  // From now on /readyz says no; the rows still answer what is on its way.
  void SetDraining() { draining_.store(true); }

  struct Opened {
    std::shared_ptr<Call> call;
    std::optional<Reply> refusal;  // Answer this, do not read the body.
    std::int64_t body_bytes_max = 0;
    bool is_stream = false;  // Not for Run: give it to a LearnStream.
  };
  Opened Open(RequestHead head, std::shared_ptr<Loop> loop);

  // `done` is called once, on the call's loop. call->body is complete.
  void Run(const std::shared_ptr<Call>& call, std::function<void(Reply)> done);

  void Close(const Call& call, int status, std::int64_t answer_bytes);

  // What learns a streamed body; see learn_stream.h. For a call that was opened with is_stream.
  std::shared_ptr<LearnStream> OpenStream(const std::shared_ptr<Call>& call,
                                          std::function<void()> on_change);

  // For a request that never became a Call: unreadable, too large, too slow.
  std::string MakeRequestId();
  void CountRefused(int status);

 private:
  telemetry::TraceContext TraceOf(const Call& call);
  void SendTrace(const Call& call, std::string_view route, int status);
  void LogAccess(const Call& call, std::string_view route, int status, double seconds,
                 std::int64_t answer_bytes);
  void Dispatch(const std::shared_ptr<Call>& call, Answer answer);
  void RunBlocking(const std::shared_ptr<Call>& call, const Blocking& handler, Answer answer);
  void RunAsync(const std::shared_ptr<Call>& call, const Async& handler, Answer answer);

  const ServerOptions& options_;
  const Clock& clock_;
  telemetry::Metrics& metrics_;
  telemetry::Log& log_;
  telemetry::Tracer* const tracer_;
  std::atomic<service::Service*> service_ = nullptr;
  std::atomic<bool> draining_ = false;
  std::atomic<std::uint64_t> requests_ = 0;
  std::atomic<std::int64_t> good_answers_ = 0;
  const std::uint64_t id_seed_;
  BlockingPool pool_;
};

}  // namespace ctt::http
