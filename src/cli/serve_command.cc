#include <memory>

#include <fmt/format.h>
#include <signal.h>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/http_client.h"
#include "cli/session.h"
#include "http/server.h"

namespace ctt::cli {
namespace {

http::ServerOptions MakeServerOptions(const Settings& settings, bool has_keys) {
  http::ServerOptions options;
  options.has_keys = has_keys;
  options.listen = settings.listen;
  options.insecure = settings.insecure;
  options.version = CTT_VERSION;
  options.texts_max = static_cast<std::int32_t>(settings.texts_max);
  options.body_bytes_max = settings.body_bytes_max;
  options.connections_max = static_cast<std::int32_t>(settings.connections_max);
  return options;
}

// A server that is never handed a Service answers /metrics and the probes, and nothing else.
http::ServerOptions MakeProbeOptions(const Settings& settings, bool has_keys) {
  http::ServerOptions options = MakeServerOptions(settings, has_keys);
  options.listen = settings.listen.substr(0, settings.listen.rfind(':')) + ":" +
                   std::to_string(settings.prometheus_port);
  options.blocking_threads = 1;
  return options;
}

// Before anything listens: whether callers will need keys.
Result<bool> HasKeys(const Settings& settings, const Clock& clock) {
  CTT_ASSIGN_OR_RETURN(const auto ring, service::KeyRing::OpenFolder(settings.data, clock));
  return ring->needs_keys();
}

// Blocks the stop signals in this thread and all that it makes; AwaitStop takes them.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // A reader of the log that goes away must not take the server with it.
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

}  // namespace

Status Serve(const CommandContext& context) {
  const Settings& settings = context.settings;
  const sigset_t signals = BlockStopSignals();
  CTT_ASSIGN_OR_RETURN(const telemetry::LogLevel level,
                       telemetry::ParseLogLevel(settings.log_level));
  CTT_ASSIGN_OR_RETURN(const auto options, MakeServiceOptions(settings));
  SystemClock clock;
  CTT_ASSIGN_OR_RETURN(const bool has_keys, HasKeys(settings, clock));
  telemetry::Metrics metrics;
  telemetry::Log log(level);
  std::unique_ptr<http::Server> probes;
  if (settings.prometheus_port != 0) {
    CTT_ASSIGN_OR_RETURN(
        probes, http::Server::Start(MakeProbeOptions(settings, has_keys), clock, metrics, log));
  }
  CTT_ASSIGN_OR_RETURN(const auto server, http::Server::Start(MakeServerOptions(settings, has_keys),
                                                              clock, metrics, log));
  CTT_ASSIGN_OR_RETURN(const auto service, service::Service::Start(options, clock, metrics, log));
  const service::ModelInfo model = service->model();
  metrics.SetBuild(CTT_VERSION, model.engine, model.isa, model.isa_fell_back);
  server->Serve(*service);
  log.Write(telemetry::LogLevel::kInfo, "serving",
            {{"address", std::string_view(server->address())},
             {"data", std::string_view(settings.data)},
             {"environment", std::string_view(settings.environment)},
             {"engine", std::string_view(model.engine)},
             {"isa", std::string_view(model.isa)},
             {"keys", has_keys}});
  int received = 0;
  sigwait(&signals, &received);
  log.Write(telemetry::LogLevel::kInfo, "stopping", {{"signal", std::int64_t{received}}});
  const bool drained = server->Stop(settings.drain_timeout_ms);
  log.Write(telemetry::LogLevel::kInfo, "stopped", {{"answered_everything", drained}});
  return Status::Ok();
}

Status Init(const CommandContext& context) {
  Settings settings = context.settings;
  settings.url.clear();
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(settings));
  CTT_ASSIGN_OR_RETURN(const service::ModelInfo model, session->Model());
  if (context.json)
    PrintJson({{"data", settings.data}, {"encoder_id", model.encoder_id}});
  else
    fmt::print("{}: ready, bound to encoder {}\n", settings.data, model.encoder_id.substr(0, 12));
  return Status::Ok();
}

Status Health(const CommandContext& context, const std::string& url) {
  constexpr std::int64_t kTimeoutMs = 5000;
  CTT_ASSIGN_OR_RETURN(const HttpClient client, HttpClient::Make(url));
  CTT_ASSIGN_OR_RETURN(const HttpAnswer answer,
                       client.Call("GET", "/readyz", "", "application/json", kTimeoutMs));
  if (answer.status != 200) {
    return {Code::kUnavailable, "not_ready",
            url + " is not ready: it answers " + std::to_string(answer.status)};
  }
  if (context.json)
    PrintJson({{"url", url}, {"ready", true}});
  else
    fmt::print("{}: ready\n", url);
  return Status::Ok();
}

Status Info(const CommandContext& context) {
  json::array isas;
  for (const kernels::Isa isa : kernels::PresentIsas())
    isas.push_back(json::string(kernels::IsaName(isa)));
  json::object values;
  for (const SettingField& field : SettingFields()) {
    if (field.text != nullptr) {
      const std::string& value = context.settings.*field.text;
      values[field.name] = field.secret && !value.empty() ? "(given)" : value;
    }
    if (field.number != nullptr) values[field.name] = context.settings.*field.number;
    if (field.toggle != nullptr) values[field.name] = context.settings.*field.toggle;
  }
  const json::object info = {
      {"version", CTT_VERSION}, {"isas", std::move(isas)}, {"settings", std::move(values)}};
  if (context.json) {
    PrintJson(info);
    return Status::Ok();
  }
  fmt::print("ctt {}\ninstruction sets: {}\n", CTT_VERSION, json::serialize(info.at("isas")));
  for (const auto& [name, value] : info.at("settings").as_object())
    fmt::print("{:<18} {}\n", std::string(name), json::serialize(value));
  return Status::Ok();
}

}  // namespace ctt::cli
