#include <charconv>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <signal.h>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/http_client.h"
#include "cli/session.h"
#include "http/server.h"
#include "telemetry/tracer.h"

namespace ctt::cli {
namespace {

http::ServerOptions MakeServerOptions(const Settings& settings, bool has_keys) {
  http::ServerOptions options;
  options.has_keys = has_keys;
  options.listen = settings.listen;
  options.insecure = settings.insecure;
  options.read_only = settings.read_only;
  options.tls_certificate = settings.tls_cert;
  options.tls_key = settings.tls_key;
  options.version = CTT_VERSION;
  options.texts_max = static_cast<std::int32_t>(settings.texts_max);
  options.body_bytes_max = settings.body_bytes_max;
  options.header_timeout_ms = settings.header_timeout_ms;
  options.body_timeout_ms = settings.body_timeout_ms;
  options.idle_timeout_ms = settings.idle_timeout_ms;
  options.access_log_every = settings.access_log_every;
  options.connections_max = static_cast<std::int32_t>(settings.connections_max);
  return options;
}

// Null: no endpoint is set.
Result<std::unique_ptr<telemetry::Tracer>> StartTracer(const Settings& settings,
                                                       telemetry::Metrics& metrics,
                                                       telemetry::Log& log) {
  if (settings.otlp_endpoint.empty()) return std::unique_ptr<telemetry::Tracer>();
  telemetry::TracerOptions options;
  options.endpoint = settings.otlp_endpoint;
  options.headers = settings.otlp_headers;
  options.ca_file = settings.ca_file;
  options.version = CTT_VERSION;
  options.environment = settings.environment;
  const std::string& ratio = settings.trace_ratio;
  const auto [end, error] =
      std::from_chars(ratio.data(), ratio.data() + ratio.size(), options.ratio);
  if (error != std::errc() || end != ratio.data() + ratio.size()) options.ratio = -1;
  return telemetry::Tracer::Start(options, metrics, log);
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
  CTT_ASSIGN_OR_RETURN(const auto ring, service::KeyRing::OpenAt(LocationOf(settings), clock));
  return ring->needs_keys();
}

// Blocks the signals that Serve waits for, in this thread and all that it makes.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // A reader of the log that goes away must not take the server with it.
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

// Everything that Serve would refuse before it loads a model, without touching the data directory.
Status CheckConfig(const CommandContext& context) {
  const Settings& settings = context.settings;
  CTT_RETURN_IF_ERROR(telemetry::ParseLogLevel(settings.log_level).status());
  CTT_RETURN_IF_ERROR(MakeServiceOptions(settings).status());
  constexpr bool kMayHaveKeys = true;
  CTT_RETURN_IF_ERROR(http::Server::Check(MakeServerOptions(settings, kMayHaveKeys)));
  telemetry::Metrics metrics;
  telemetry::Log log(telemetry::LogLevel::kOff);
  CTT_RETURN_IF_ERROR(StartTracer(settings, metrics, log).status());
  const std::string model = ModelFolder(settings);
  std::error_code error;
  if (!std::filesystem::is_directory(model, error))
    return {Code::kNotFound, "model_not_found", "there is no model folder " + model};
  if (context.json)
    PrintJson({{"good", true}});
  else
    fmt::print("the settings are good\n");
  return Status::Ok();
}

// Whether a field may change while it serves.
bool IsReloaded(const SettingField& field) {
  return field.text == &Settings::log_level || field.number == &Settings::drain_timeout_ms;
}

bool Differs(const SettingField& field, const Settings& a, const Settings& b) {
  if (field.text != nullptr) return a.*field.text != b.*field.text;
  if (field.number != nullptr) return a.*field.number != b.*field.number;
  return a.*field.toggle != b.*field.toggle;
}

// Takes what can be changed; says what cannot. Bad settings change nothing.
void Reload(const CommandContext& context, Settings& settings, telemetry::Log& log) {
  const Result<Settings> read = context.resolve();
  const auto level = read.ok() ? telemetry::ParseLogLevel(read->log_level)
                               : Result<telemetry::LogLevel>(read.status());
  if (!level.ok()) {
    log.Write(telemetry::LogLevel::kError, "settings_not_reloaded",
              {{"why", std::string_view(level.status().message())}});
    return;
  }
  for (const SettingField& field : SettingFields()) {
    if (IsReloaded(field) || !Differs(field, *read, context.settings)) continue;
    log.Write(telemetry::LogLevel::kWarning, "setting_needs_a_restart",
              {{"setting", std::string_view(field.name)}});
  }
  settings.log_level = read->log_level;
  settings.drain_timeout_ms = read->drain_timeout_ms;
  log.SetLevel(*level);
  log.Write(telemetry::LogLevel::kInfo, "settings_reloaded");
}

}  // namespace

Status Serve(const CommandContext& context, bool check_only) {
  Settings settings = context.settings;
  if (check_only) return CheckConfig(context);
  const sigset_t signals = BlockSignals();
  CTT_ASSIGN_OR_RETURN(const telemetry::LogLevel level,
                       telemetry::ParseLogLevel(settings.log_level));
  CTT_ASSIGN_OR_RETURN(const auto options, MakeServiceOptions(settings));
  SystemClock clock;
  CTT_ASSIGN_OR_RETURN(const bool has_keys, HasKeys(settings, clock));
  telemetry::Metrics metrics;
  telemetry::Log log(level);
  CTT_ASSIGN_OR_RETURN(const auto tracer, StartTracer(settings, metrics, log));
  std::unique_ptr<http::Server> probes;
  if (settings.prometheus_port != 0) {
    CTT_ASSIGN_OR_RETURN(
        probes, http::Server::Start(MakeProbeOptions(settings, has_keys), clock, metrics, log));
  }
  CTT_ASSIGN_OR_RETURN(const auto server, http::Server::Start(MakeServerOptions(settings, has_keys),
                                                              clock, metrics, log, tracer.get()));
  CTT_ASSIGN_OR_RETURN(const auto service, service::Service::Start(options, clock, metrics, log));
  const service::ModelInfo model = service->model();
  metrics.SetBuild(CTT_VERSION, model.engine, model.isa, model.isa_fell_back);
  metrics.SetStore(service::IsDatabaseUrl(settings.data) ? "postgresql" : "directory");
  server->Serve(*service);
  const std::string data = service::WithoutPassword(settings.data);
  log.Write(telemetry::LogLevel::kInfo, "serving",
            {{"address", std::string_view(server->address())},
             {"data", std::string_view(data)},
             {"environment", std::string_view(settings.environment)},
             {"engine", std::string_view(model.engine)},
             {"isa", std::string_view(model.isa)},
             {"keys", has_keys},
             {"tls", !settings.tls_cert.empty()}});
  int received = 0;
  while (sigwait(&signals, &received) == 0 && received == SIGHUP) {
    Reload(context, settings, log);
    (void)server->ReloadTls();  // It logs what is wrong, and keeps what it has.
    if (probes != nullptr) (void)probes->ReloadTls();
  }
  log.Write(telemetry::LogLevel::kInfo, "stopping", {{"signal", std::int64_t{received}}});
  const std::int64_t stop_us = clock.SteadyMicros() + settings.drain_timeout_ms * 1000;
  const bool drained = server->Stop(settings.drain_timeout_ms);
  if (tracer != nullptr) tracer->Drain((stop_us - clock.SteadyMicros()) / 1000);
  log.Write(telemetry::LogLevel::kInfo, "stopped", {{"answered_everything", drained}});
  return Status::Ok();
}

Status Init(const CommandContext& context) {
  Settings settings = context.settings;
  settings.url.clear();
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(settings));
  CTT_ASSIGN_OR_RETURN(const service::ModelInfo model, session->Model());
  const std::string data = service::WithoutPassword(settings.data);
  if (context.json)
    PrintJson({{"data", data}, {"encoder_id", model.encoder_id}});
  else
    fmt::print("{}: ready, bound to encoder {}\n", data, model.encoder_id.substr(0, 12));
  return Status::Ok();
}

Status Health(const CommandContext& context, const std::string& url) {
  constexpr std::int64_t kTimeoutMs = 5000;
  CTT_ASSIGN_OR_RETURN(const HttpClient client, HttpClient::Make(url, context.settings));
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
      const std::string value = service::WithoutPassword(context.settings.*field.text);
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
