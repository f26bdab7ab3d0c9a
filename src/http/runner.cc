#include "http/runner.h"

#include <algorithm>
#include <exception>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "base/nearest.h"
#include "http/cell_format.h"
#include "http/routes.h"
#include "http/version_wait.h"
#include "service/validate.h"

namespace ctt::http {
namespace {

constexpr std::int64_t kBlockingWaitMicrosMax = 5'000'000;  // In the queue for a blocking thread.
constexpr std::size_t kInlineBodyBytesMax = 64 * 1024;      // A longer body is parsed off the loop.

std::uint64_t RandomSeed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) ^ device();
}

// Spreads a counter over 64 bits (the finaliser of SplitMix64, Steele et al. 2014): ids of one
// process never repeat.
std::uint64_t Scramble(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

bool IsGoodRequestId(std::string_view id) {
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._:/+=@-").find(c) != std::string_view::npos;
  });
}

// The guard behind which no handler's exception (out of memory, a bug) passes.
template <typename Handle>
Result<Reply> Guard(Handle&& handle) {
  try {
    return handle();
  } catch (const std::exception&) {
    return Internal("the request met an unexpected error; the log of the server has its id");
  }
}

Problem UnsupportedMediaType(Body body) {
  std::string wanted = "application/json";
  if (body == Body::kJsonOrRows) wanted += " or application/x-ndjson";
  if (body == Body::kStream) wanted += ", application/x-ndjson or text/csv";
  return {415, "unsupported_media_type", "send this body as Content-Type: " + wanted, {}};
}

bool TakesMedia(Body body, MediaType media) {
  return body == Body::kNone || media == MediaType::kJson ||
         (media == MediaType::kNdjson && body != Body::kJson) ||
         (media == MediaType::kCsv && body == Body::kStream);
}

Reply OptionsReply(std::string allow) {
  Reply reply{204, {}, {}, {}};
  reply.headers.emplace_back("Allow", std::move(allow));
  return reply;
}

// Fills the call's target, route and params; or says what to answer instead.
std::optional<Reply> FindRoute(Call& call) {
  const auto refuse = [&](const Problem& problem) {
    return ProblemReply(problem, call.request_id);
  };
  const bool one_host = call.head.host_count == 1;
  if (!one_host && !(call.head.http_1_0 && call.head.host_count == 0))
    return refuse({400, "bad_host", "an HTTP/1.1 request has exactly one Host header", {}});
  const bool asks_options = call.head.method == Method::kOptions;
  if (asks_options && call.head.target == "*")
    return OptionsReply("DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
  Result<Target> target = ParseTarget(call.head.target);
  if (!target.ok()) return refuse(ProblemOf(target.status()));
  call.target = *std::move(target);
  RouteMatch match = MatchRoute(Routes(), call.head.method, call.target.segments);
  call.route = match.route;
  call.params = std::move(match.params);
  if (call.route != nullptr) return std::nullopt;
  if (match.allow.empty()) return refuse({404, "route_not_found", "there is no such route", {}});
  if (asks_options) return OptionsReply(match.allow);
  return refuse({405, "method_not_allowed", "this route answers to " + match.allow, match.allow});
}

Status CheckQuery(const Call& call) {
  if (call.route->before_ready) return Status::Ok();  // A probe may carry what it likes.
  const auto& known = call.route->query;
  for (const auto& [name, value] : call.target.query) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::vector<std::string> names(known.begin(), known.end());
    return {Code::kInvalidArgument, "unknown_parameter",
            "unknown query parameter '" + name.substr(0, 100) + "'" + DidYouMean(name, names)};
  }
  return Status::Ok();
}

// Who calls, and whether that key may do what the row does to the task of the path.
Status Admit(Call& call) {
  const Route& route = *call.route;
  if (call.server.service == nullptr) {
    if (route.before_ready) return Status::Ok();
    return {Code::kUnavailable, "not_ready", "the server is starting"};
  }
  const std::optional<service::Scope> scope = NeededScope(route);
  if (!scope) return Status::Ok();
  if (call.server.options.read_only && *scope != service::Scope::kPredict &&
      route.method != Method::kGet) {
    return {Code::kPermissionDenied, "read_only", "this server answers and does not learn"};
  }
  CTT_ASSIGN_OR_RETURN(call.caller, call.service().keys().Admit(call.head.key, *scope));
  const std::string* task = TaskOfPath(route, call.params);
  if (task != nullptr) return call.MayName(*task);
  if (*scope != service::Scope::kAdmin || !call.caller->restricted()) return Status::Ok();
  return {Code::kPermissionDenied, "key_restricted", "this needs a key for every task"};
}

// Names of tasks are not for those who may not name them.
Status Veil(const Call& call, const Status& status) {
  const bool restricted = call.caller != nullptr && call.caller->restricted();
  if (!restricted || status.reason() != "task_not_found") return status;
  return {status.code(), "task_not_found", "there is no such task"};
}

std::optional<Problem> CheckBody(const Call& call, std::int64_t bytes_max, bool is_stream) {
  const Route& route = *call.route;
  const std::string& encoding = call.head.content_encoding;
  if (!TakesMedia(route.body, call.media)) return UnsupportedMediaType(route.body);
  if (!encoding.empty() && encoding != "identity")
    return Problem{
        415, "unsupported_content_encoding", "send the body without Content-Encoding", {}};
  if (const Status status = CheckQuery(call); !status.ok()) return ProblemOf(status);
  if (!is_stream && call.head.content_length.value_or(0) > static_cast<std::uint64_t>(bytes_max))
    return BodyTooLarge(bytes_max);
  return std::nullopt;
}

Status Busy() {
  return {Code::kResourceExhausted, "server_busy", "too many calls of this kind are waiting"};
}

}  // namespace

Runner::Runner(const ServerOptions& options, const Clock& clock, telemetry::Metrics& metrics,
               telemetry::Log& log, telemetry::Tracer* tracer)
    : options_(options),
      clock_(clock),
      metrics_(metrics),
      log_(log),
      tracer_(tracer),
      id_seed_(RandomSeed()),
      pool_(options.blocking_threads, options.blocking_queue_max) {
  for (const Route& route : Routes()) metrics_.AddRoute(route.pattern);
}

std::string Runner::MakeRequestId() {
  return fmt::format("{:016x}", Scramble(id_seed_ + requests_.fetch_add(1)));
}

// The caller's trace, else a new one: the log names it in any case.
telemetry::TraceContext Runner::TraceOf(const Call& call) {
  if (auto given = telemetry::ParseTraceparent(call.head.traceparent)) return *std::move(given);
  const std::uint64_t number = requests_.fetch_add(1);
  telemetry::TraceContext made;
  made.trace_id =
      fmt::format("{:016x}{:016x}", Scramble(~id_seed_ + number), Scramble(id_seed_ + number));
  const bool probe = call.route != nullptr && call.route->before_ready;
  made.sampled = tracer_ != nullptr && !probe && tracer_->Samples(made.trace_id);
  return made;
}

Runner::Opened Runner::Open(RequestHead head, std::shared_ptr<Loop> loop) {
  Opened opened;
  opened.call = std::make_shared<Call>(
      Call{{options_, clock_, metrics_, log_, service_.load(), draining_.load()},
           std::move(loop),
           std::move(head)});
  Call& call = *opened.call;
  call.start_us = clock_.SteadyMicros();
  call.request_id = IsGoodRequestId(call.head.request_id) ? call.head.request_id : MakeRequestId();
  call.media = ParseMediaType(call.head.content_type);
  call.stages->Begin(call.start_us);
  opened.refusal = FindRoute(call);
  call.trace = TraceOf(call);
  if (opened.refusal) return opened;
  if (const Status status = Admit(call); !status.ok()) {
    opened.refusal = ProblemReply(ProblemOf(status), call.request_id);
    return opened;
  }
  opened.is_stream = call.route->body == Body::kStream && call.media != MediaType::kJson;
  opened.body_bytes_max = options_.body_bytes_max * call.route->body_factor;
  const auto problem = CheckBody(call, opened.body_bytes_max, opened.is_stream);
  if (problem) opened.refusal = ProblemReply(*problem, call.request_id);
  return opened;
}

void Runner::Run(const std::shared_ptr<Call>& call, std::function<void(Reply)> done) {
  // Only the first answer counts: a handler that throws after it has answered answers no more.
  auto once = std::make_shared<std::function<void(Reply)>>(std::move(done));
  call->stages->Begin(clock_.SteadyMicros());
  Answer answer = [call, once](Result<Reply> result) {
    const bool by_service = call->stages->At(telemetry::Stage::kHead).has_value() ||
                            call->stages->At(telemetry::Stage::kLearn).has_value();
    if (!by_service) call->stages->Begin(call->server.clock.SteadyMicros());
    if (const auto first = std::exchange(*once, nullptr))
      first(result.ok() ? *std::move(result)
                        : ProblemReply(ProblemOf(Veil(*call, result.status())), call->request_id));
  };
  if (!call->head.version_at_least) return Dispatch(call, std::move(answer));
  AwaitVersion(*call, [this, call, answer](const Status& status) {
    if (!status.ok()) return answer(status);
    Dispatch(call, answer);
  });
}

void Runner::Dispatch(const std::shared_ptr<Call>& call, Answer answer) {
  const auto& handler = call->route->handler;
  if (const auto* inlined = std::get_if<Inline>(&handler)) {
    answer(Guard([&] { return inlined->handle(*call); }));
  } else if (const auto* blocking = std::get_if<Blocking>(&handler)) {
    RunBlocking(call, *blocking, std::move(answer));
  } else {
    RunAsync(call, std::get<Async>(handler), std::move(answer));
  }
}

void Runner::RunBlocking(const std::shared_ptr<Call>& call, const Blocking& handler,
                         Answer answer) {
  const auto work = [call, handle = handler.handle, answer, asked_us = call->ElapsedMicros()] {
    const bool late = call->ElapsedMicros() > asked_us + kBlockingWaitMicrosMax;
    Result<Reply> result = late ? Result<Reply>(Busy()) : Guard([&] { return handle(*call); });
    call->loop->Post([answer, result = std::move(result)] { answer(result); });
  };
  if (!pool_.TryRun(work)) answer(Busy());
}

void Runner::RunAsync(const std::shared_ptr<Call>& call, const Async& handler, Answer answer) {
  const auto start = [call, handle = handler.handle](const Answer& to) {
    const Result<Reply> started = Guard([&]() -> Result<Reply> {
      handle(call, to);
      return Reply{};
    });
    if (!started.ok()) to(started.status());
  };
  if (call->body.size() <= kInlineBodyBytesMax) return start(answer);
  const auto posting = [call, answer](Result<Reply> result) {
    call->loop->Post([answer, result = std::move(result)] { answer(result); });
  };
  if (!pool_.TryRun([start, posting] { start(posting); })) answer(Busy());
}

void Runner::Close(const Call& call, int status, std::int64_t answer_bytes) {
  const std::string_view route = call.route != nullptr ? call.route->pattern : "other";
  const double seconds = static_cast<double>(call.ElapsedMicros()) * 1e-6;
  metrics_.CountRequest(route, status, seconds);
  call.EndStage(telemetry::Stage::kWrite);
  for (const telemetry::Stage stage : telemetry::kStages) {
    const auto interval = call.stages->At(stage);
    if (!interval) continue;
    metrics_.ObserveStage(stage, static_cast<double>(interval->end_us - interval->begin_us) * 1e-6);
  }
  if (tracer_ != nullptr && call.trace.sampled) SendTrace(call, route, status);
  LogAccess(call, route, status, seconds, answer_bytes);
}

void Runner::LogAccess(const Call& call, std::string_view route, int status, double seconds,
                       std::int64_t answer_bytes) {
  if (status < 400 && good_answers_.fetch_add(1) % options_.access_log_every != 0) return;
  const bool probe =
      call.route != nullptr && call.route->before_ready && (status < 400 || status == 503);
  const auto level = probe           ? telemetry::LogLevel::kDebug  // 503 until ready: no fault.
                     : status >= 500 ? telemetry::LogLevel::kError
                                     : telemetry::LogLevel::kInfo;
  log_.Write(level, "request",
             {{"request_id", std::string_view(call.request_id)},
              {"trace_id", std::string_view(call.trace.trace_id)},
              {"method", MethodName(call.head.method)},
              {"route", route},
              {"status", static_cast<std::int64_t>(status)},
              {"seconds", seconds},
              {"answer_bytes", answer_bytes}});
}

void Runner::SendTrace(const Call& call, std::string_view route, int status) {
  const std::int64_t now_us = clock_.SteadyMicros();
  const std::int64_t to_unix = clock_.UnixMicros() - now_us;
  telemetry::RequestTrace trace{call.trace, MethodName(call.head.method), route, status,
                                call.request_id};
  trace.begin_us = call.start_us + to_unix;
  trace.end_us = now_us + to_unix;
  for (const telemetry::Stage stage : telemetry::kStages) {
    const auto interval = call.stages->At(stage);
    if (interval)
      trace.stages.push_back({stage, interval->begin_us + to_unix, interval->end_us + to_unix});
  }
  tracer_->Add(std::move(trace));
}

void Runner::CountRefused(int status) { metrics_.CountRequest("other", status, 0); }

std::shared_ptr<LearnStream> Runner::OpenStream(const std::shared_ptr<Call>& call,
                                                std::function<void()> on_change) {
  const std::string task = call->params[0];
  LearnVerbs verbs;
  verbs.check = [call](const service::LearnRow& row) {
    return service::CheckRows({row}, call->service().limits());
  };
  verbs.learn = [this, call, task](std::vector<service::LearnRow> rows,
                                   service::Done<service::LearnAnswer> done) {
    // Off the loop: tokenising some hundred rows takes milliseconds.
    const auto work = [call, task, rows = std::move(rows), done] {
      service::LearnOptions options;
      options.bulk = true;
      options.origin = call->origin();
      call->service().Learn(task, rows, options, done);
    };
    if (!pool_.TryRun(work)) done(Busy());
  };
  verbs.describe = [call, task] {
    service::LearnAnswer answer;
    const auto info = call->service().ShowTask(task);
    if (!info.ok()) return answer;
    answer.examples = info->examples;
    answer.classes = static_cast<std::int64_t>(info->labels.size());
    answer.head_version = info->head_version;
    return answer;
  };
  const std::int64_t row_bytes_max = options_.row_bytes_max;
  const Result<service::CellFormat> format = CellFormatOf(*call);
  auto reader = call->media == MediaType::kCsv && format.ok()
                    ? ExampleReader::Csv(row_bytes_max, *format)
                    : ExampleReader::Ndjson(row_bytes_max);
  auto stream = std::make_shared<LearnStream>(
      LearnStream::Options{task, options_.stream_chunk_rows, options_.stream_chunks_max},
      std::move(reader), std::move(verbs), call->loop, std::move(on_change));
  Status refused = service::CheckTaskName(task);
  if (refused.ok()) refused = format.status();
  if (refused.ok() && call->head.idempotency_key) {
    refused = {Code::kInvalidArgument, "idempotency_key_on_stream",
               "Idempotency-Key is for JSON bodies; rows of a stream have ids"};
  }
  if (!refused.ok()) stream->Break(refused);
  return stream;
}

}  // namespace ctt::http
