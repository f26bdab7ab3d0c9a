#pragma once
// Route: one row of the route table; and Call, one request on its way through it.
//
// A handler only translates: request -> verb of the service -> reply. What surrounds it, from
// limits to metrics and errors, is done once by the Runner (runner.h).
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http/loop.h"
#include "http/media_type.h"
#include "http/message.h"
#include "http/server.h"
#include "http/target.h"
#include "telemetry/stage_times.h"
#include "telemetry/trace_context.h"

namespace ctt::http {

// What the handlers of a server share. `service` is null until the server is ready.
struct ServerContext {
  const ServerOptions& options;
  const Clock& clock;
  telemetry::Metrics& metrics;
  telemetry::Log& log;
  service::Service* service = nullptr;
  bool draining = false;
};

struct Route;

// Made by Runner::Open, kept alive by whoever works on it. Belongs to its loop's thread; a handler
// that runs elsewhere only reads it.
struct Call {
  ServerContext server;
  std::shared_ptr<Loop> loop;
  RequestHead head;
  Target target;
  const Route* route = nullptr;     // Null: no row matches.
  std::vector<std::string> params;  // Decoded segments for the pattern's {...}, in order.
  MediaType media = MediaType::kJson;
  std::string body;
  std::string request_id;
  telemetry::TraceContext trace{};
  service::Stages stages = std::make_shared<telemetry::StageTimes>();
  std::int64_t start_us = 0;                      // Steady time, end of the headers.
  std::shared_ptr<const service::Caller> caller;  // Null before the server is ready.
  // Set when the client closes before it has its answer.
  std::shared_ptr<std::atomic<bool>> gone = std::make_shared<std::atomic<bool>>(false);

  service::Service& service() const { return *server.service; }
  // A task that the body names; those of the path were looked at before. kPermissionDenied
  // ("task_not_allowed").
  Status MayName(std::string_view task) const;
  service::Origin origin() const { return {caller->id(), request_id}; }
  void EndStage(telemetry::Stage stage) const { stages->End(stage, server.clock.SteadyMicros()); }
  std::int64_t ElapsedMicros() const { return server.clock.SteadyMicros() - start_us; }
};
using CallPtr = std::shared_ptr<const Call>;
using Answer = std::function<void(Result<Reply>)>;

enum class Body : std::uint8_t {
  kNone,        // A body is read and ignored.
  kJson,        // application/json.
  kJsonOrRows,  // also application/x-ndjson, read whole.
  kStream,      // application/json read whole; NDJSON and CSV as a stream (learn_stream.h).
};

// Runs on the loop's thread; quick.
struct Inline {
  Result<Reply> (*handle)(const Call& call);
};
// Runs on a blocking thread.
struct Blocking {
  Result<Reply> (*handle)(const Call& call);
};
// Starts on the loop's thread, answers later from there (see OnLoop).
struct Async {
  void (*handle)(CallPtr call, Answer answer);
};

struct Route {
  Method method;
  std::string_view pattern;  // "/v1/tasks/{task}/examples/{id}"
  std::variant<Inline, Blocking, Async> handler;
  Body body = Body::kNone;
  bool before_ready = false;              // Answers without a service.
  std::int64_t body_factor = 1;           // Times ServerOptions::body_bytes_max.
  std::vector<std::string_view> query{};  // Parameters known; others are refused.
  std::optional<service::Scope> scope{};  // See NeededScope.
};

// The same row for keys of another scope than its method says.
inline Route Needs(service::Scope scope, Route route) {
  route.scope = scope;
  return route;
}

// What a key must be for: the row's own scope, else none for what answers before the server is
// ready, kPredict for reading, kLearn for writing.
std::optional<service::Scope> NeededScope(const Route& route);

// The task that the path names, by {task} or {model}; null: none.
const std::string* TaskOfPath(const Route& route, const std::vector<std::string>& params);

// The row for a request. HEAD is answered by the GET row.
struct RouteMatch {
  const Route* route = nullptr;
  std::vector<std::string> params;
  std::string
      allow;  // Methods of the rows with this path: "DELETE, GET, HEAD, OPTIONS"; empty: none.
};
RouteMatch MatchRoute(std::span<const Route> routes, Method method,
                      const std::vector<std::string>& segments);

// A Done for the service that brings the answer to the loop's thread and renders it there. Made
// where the request is parsed; `stage` is what the service then ends with.
template <typename T>
service::Done<T> OnLoop(CallPtr call, Answer answer,
                        std::function<Result<Reply>(const Call& call, const T& value)> render,
                        telemetry::Stage stage = telemetry::Stage::kHead) {
  call->EndStage(telemetry::Stage::kParse);
  return [call = std::move(call), answer = std::move(answer), render = std::move(render),
          stage](Result<T> result) {
    if (result.ok()) call->EndStage(stage);
    call->loop->Post([call, answer, render, result = std::move(result)] {
      answer(result.ok() ? render(*call, *result) : Result<Reply>(result.status()));
    });
  };
}

}  // namespace ctt::http
