#include "cli/settings.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include <toml++/toml.h>

#include "base/nearest.h"

namespace ctt::cli {
namespace {

Status BadValue(const std::string& where, const std::string& what) {
  return {Code::kInvalidArgument, "bad_setting", where + ": " + what};
}

Status Assign(const SettingField& field, const std::string& value, const std::string& where,
              Settings& settings) {
  if (field.text != nullptr) {
    settings.*field.text = value;
    return Status::Ok();
  }
  if (field.toggle != nullptr) {
    if (value != "true" && value != "false" && value != "1" && value != "0")
      return BadValue(where, "must be true or false");
    settings.*field.toggle = value == "true" || value == "1";
    return Status::Ok();
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size())
    return BadValue(where, "'" + value.substr(0, 50) + "' is no integer");
  if (number < field.least)
    return BadValue(where, "must be at least " + std::to_string(field.least));
  settings.*field.number = number;
  return Status::Ok();
}

const char* Variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): at start only.
  return value == nullptr || *value == '\0' ? nullptr : value;
}

// The top-level keys of a TOML file, as text.
Result<std::map<std::string, std::string>> ReadToml(const std::string& path) {
  std::map<std::string, std::string> values;
  if (path.empty()) return values;
  try {
    for (const auto& [key, node] : toml::parse_file(path)) {
      const std::string name(key.str());
      if (const auto text = node.value_exact<std::string>())
        values[name] = *text;
      else if (const auto number = node.value_exact<std::int64_t>())
        values[name] = std::to_string(*number);
      else if (const auto flag = node.value_exact<bool>())
        values[name] = *flag ? "true" : "false";
      else
        return BadValue(path + ": '" + name + "'", "must be a string, an integer or a boolean");
    }
  } catch (const toml::parse_error& error) {
    return BadValue(path + ", line " + std::to_string(error.source().begin.line),
                    std::string(error.description()));
  }
  return values;
}

Status RefuseUnknown(const std::map<std::string, std::string>& values, const std::string& path) {
  std::vector<std::string> names;
  for (const SettingField& field : SettingFields()) names.push_back(field.name);
  for (const auto& [name, value] : values)
    if (std::find(names.begin(), names.end(), name) == names.end())
      return BadValue(path, "unknown setting '" + name + "'" + DidYouMean(name, names));
  return Status::Ok();
}

}  // namespace

std::string SettingField::flag() const {
  std::string text = "--" + name;
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

std::string SettingField::variable() const {
  std::string text = "CTT_" + name;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

const std::vector<SettingField>& SettingFields() {
  using S = Settings;
  constexpr SettingScope kServe = SettingScope::kServe;
  static const std::vector<SettingField> kFields = {
      {"url", "", "Go through the server at http(s)://ADDRESS:PORT instead of a data directory",
       &S::url, nullptr, nullptr, 0, SettingScope::kNotServe},
      {"key", "", "API key to send to the server of --url; better given as CTT_KEY than as a flag",
       &S::key, nullptr, nullptr, 0, SettingScope::kNotServe, true},
      {"ca_file", "",
       "PEM file of the authorities that may vouch for an https server; else the "
       "system's",
       &S::ca_file, nullptr, nullptr, 0, SettingScope::kNotServe},
      {"data", "",
       "Everything that was learned: a directory, or postgresql://USER@HOST/DATABASE, which "
       "several "
       "servers may share",
       &S::data},
      {"artifacts", "",
       "With a database: where sums and heads lie, s3://BUCKET/PREFIX or a folder that all of its "
       "servers see",
       &S::artifacts},
      {"model", "", "Folder of the encoder, as sentence-transformers publishes it", &S::model},
      {"engine", "", "Numerics of the encoder: f32 or i8", &S::engine},
      {"threads", "", "Compute threads; 0: one a core", nullptr, &S::threads},
      {"tokens_max", "", "Tokens after which a text is cut", nullptr, &S::tokens_max, nullptr, 2},
      {"text_chars_max", "", "Longest text, in characters", nullptr, &S::text_chars_max, nullptr,
       1},
      {"listen", "", "ADDRESS:PORT to serve on; port 0 takes a free one", &S::listen, nullptr,
       nullptr, 0, kServe},
      {"tls_cert", "",
       "Serve TLS with this certificate chain, a PEM file; read again when it changes",
       &S::tls_cert, nullptr, nullptr, 0, kServe},
      {"tls_key", "", "The private key of --tls-cert, a PEM file", &S::tls_key, nullptr, nullptr, 0,
       kServe},
      {"backups", "", "Folder that POST /v1/backup writes to; none by default", &S::backups,
       nullptr, nullptr, 0, kServe},
      {"insecure", "", "Listen on an address that other machines reach, without keys", nullptr,
       nullptr, &S::insecure, 0, kServe},
      {"read_only", "", "Answer, and refuse whatever would change what was learned", nullptr,
       nullptr, &S::read_only, 0, kServe},
      {"log_level", "LOG_LEVEL", "debug, info, warning, error or off", &S::log_level, nullptr,
       nullptr, 0, kServe},
      {"environment", "ENV", "What this deployment is called in its log", &S::environment, nullptr,
       nullptr, 0, kServe},
      {"access_log_every", "",
       "Log one in so many of the requests that went well; what failed is always logged", nullptr,
       &S::access_log_every, nullptr, 1, kServe},
      {"otlp_endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT",
       "Send traces to the OpenTelemetry collector at http(s)://HOST:PORT[/PATH]; none by default",
       &S::otlp_endpoint, nullptr, nullptr, 0, kServe},
      {"otlp_headers", "OTEL_EXPORTER_OTLP_HEADERS",
       "Headers for the collector, NAME=VALUE,NAME=VALUE; better given as a variable than as a "
       "flag",
       &S::otlp_headers, nullptr, nullptr, 0, kServe, true},
      {"trace_ratio", "OTEL_TRACES_SAMPLER_ARG",
       "Share of the requests without a trace of their own that begin one, from 0 to 1",
       &S::trace_ratio, nullptr, nullptr, 0, kServe},
      {"prometheus_port", "PROMETHEUS_PORT",
       "Serve /metrics and the probes on this port too, at the same address; 0: no", nullptr,
       &S::prometheus_port, nullptr, 0, kServe},
      {"settle_delay_ms", "", "Quiet time before a task's choices are made anew; -1: never",
       nullptr, &S::settle_delay_ms, nullptr, -1, kServe},
      {"drain_timeout_ms", "", "Time to answer what was accepted when stopping", nullptr,
       &S::drain_timeout_ms, nullptr, 0, kServe},
      {"texts_max", "", "Most texts of one prediction call", nullptr, &S::texts_max, nullptr, 1,
       kServe},
      {"body_bytes_max", "", "Longest request body that is no stream, in bytes", nullptr,
       &S::body_bytes_max, nullptr, 1024, kServe},
      {"queue_tokens_max", "", "Tokens that may wait to be encoded; past it 429", nullptr,
       &S::queue_tokens_max, nullptr, 512, kServe},
      {"connections_max", "", "Connections open at once", nullptr, &S::connections_max, nullptr, 1,
       kServe},
      {"header_timeout_ms", "", "Time for the headers of a request, and for a TLS handshake",
       nullptr, &S::header_timeout_ms, nullptr, 100, kServe},
      {"body_timeout_ms", "", "Time for a whole body; for each read of a stream", nullptr,
       &S::body_timeout_ms, nullptr, 100, kServe},
      {"idle_timeout_ms", "", "Time that a connection may wait for its next request", nullptr,
       &S::idle_timeout_ms, nullptr, 100, kServe},
  };
  return kFields;
}

Result<Settings> Resolve(const std::map<std::string, std::string>& flags,
                         const std::string& config_path) {
  CTT_ASSIGN_OR_RETURN(const auto toml, ReadToml(config_path));
  CTT_RETURN_IF_ERROR(RefuseUnknown(toml, config_path));
  Settings settings;
  for (const SettingField& field : SettingFields()) {
    Status status;
    if (const auto flag = flags.find(field.name); flag != flags.end()) {
      status = Assign(field, flag->second, field.flag(), settings);
    } else if (const char* value = Variable(field.variable()); value != nullptr) {
      status = Assign(field, value, field.variable(), settings);
    } else if (const char* other = field.alias.empty() ? nullptr : Variable(field.alias);
               other != nullptr) {
      status = Assign(field, other, field.alias, settings);
    } else if (const auto key = toml.find(field.name); key != toml.end()) {
      status = Assign(field, key->second, config_path + ": '" + field.name + "'", settings);
    }
    CTT_RETURN_IF_ERROR(status);
  }
  return settings;
}

}  // namespace ctt::cli
