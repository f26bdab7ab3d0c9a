#include <fmt/format.h>
#include <signal.h>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/session.h"
#include "http/server.h"

namespace ctt::cli {
namespace {

http::ServerOptions MakeServerOptions(const Settings& settings) {
  http::ServerOptions options;
  options.listen = settings.listen;
  options.insecure = settings.insecure;
  options.version = CTT_VERSION;
  options.texts_max = static_cast<std::int32_t>(settings.texts_max);
  options.body_bytes_max = settings.body_bytes_max;
  return options;
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

int Serve(const CommandContext& context) {
  const sigset_t signals = BlockStopSignals();
  const auto level = telemetry::ParseLogLevel(context.settings.log_level);
  if (!level.ok()) return PrintError(level.status());
  const auto options = MakeServiceOptions(context.settings);
  if (!options.ok()) return PrintError(options.status());
  SystemClock clock;
  telemetry::Metrics metrics;
  telemetry::Log log(*level);
  auto server = http::Server::Start(MakeServerOptions(context.settings), clock, metrics, log);
  if (!server.ok()) return PrintError(server.status());
  auto service = service::Service::Start(*options, clock, metrics, log);
  if (!service.ok()) return PrintError(service.status());
  (*server)->Serve(**service);
  log.Write(telemetry::LogLevel::kInfo, "serving",
            {{"address", std::string_view((*server)->address())},
             {"data", std::string_view(context.settings.data)},
             {"engine", std::string_view(context.settings.engine)}});
  int received = 0;
  sigwait(&signals, &received);
  log.Write(telemetry::LogLevel::kInfo, "stopping", {{"signal", std::int64_t{received}}});
  const bool drained = (*server)->Stop(context.settings.drain_timeout_ms);
  log.Write(telemetry::LogLevel::kInfo, "stopped", {{"answered_everything", drained}});
  return 0;
}

int Init(const CommandContext& context) {
  auto session = Session::Open(context.settings);
  if (!session.ok()) return PrintError(session.status());
  const std::string encoder_id = (*session)->service().model().encoder_id;
  if (context.json)
    PrintJson({{"data", context.settings.data}, {"encoder_id", encoder_id}});
  else
    fmt::print("{}: ready, bound to encoder {}\n", context.settings.data, encoder_id.substr(0, 12));
  return 0;
}

int Info(const CommandContext& context) {
  json::array isas;
  for (const kernels::Isa isa : kernels::PresentIsas())
    isas.push_back(json::string(kernels::IsaName(isa)));
  json::object values;
  for (const SettingField& field : SettingFields()) {
    if (field.text != nullptr) values[field.name] = context.settings.*field.text;
    if (field.number != nullptr) values[field.name] = context.settings.*field.number;
    if (field.toggle != nullptr) values[field.name] = context.settings.*field.toggle;
  }
  const json::object info = {
      {"version", CTT_VERSION}, {"isas", std::move(isas)}, {"settings", std::move(values)}};
  if (context.json) {
    PrintJson(info);
    return 0;
  }
  fmt::print("ctt {}\ninstruction sets: {}\n", CTT_VERSION, json::serialize(info.at("isas")));
  for (const auto& [name, value] : info.at("settings").as_object())
    fmt::print("{:<18} {}\n", std::string(name), json::serialize(value));
  return 0;
}

}  // namespace ctt::cli
