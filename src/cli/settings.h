#pragma once
// Settings: everything that can be configured, in one struct. A setting comes from the first of:
// its flag, its environment variable CTT_NAME, the TOML file (--config), its default. One list of
// fields (SettingFields) feeds flags, environment, TOML and docs.
//
// Threads: values; Resolve reads the environment once, at start.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"

namespace ctt::cli {

struct Settings {
  std::string url;
  std::string key;
  std::string ca_file;
  std::string tls_cert;
  std::string tls_key;
  std::string data = "ctt-data";
  std::string artifacts;
  std::string model = "models/all-MiniLM-L6-v2";
  std::string engine = "i8";
  std::string listen = "127.0.0.1:8000";
  std::string backups;
  std::string log_level = "info";
  std::string environment = "production";
  std::int64_t access_log_every = 1;
  std::string otlp_endpoint;
  std::string otlp_headers;
  std::string trace_ratio = "1";
  std::int64_t prometheus_port = 0;
  std::int64_t threads = 0;
  std::int64_t tokens_max = 256;
  std::int64_t settle_delay_ms = 500;
  std::int64_t drain_timeout_ms = 10'000;
  std::int64_t text_chars_max = 10'000;
  std::int64_t texts_max = 100;
  std::int64_t body_bytes_max = 8 * 1024 * 1024;
  std::int64_t queue_tokens_max = 65'536;
  std::int64_t connections_max = 10'000;
  std::int64_t header_timeout_ms = 10'000;
  std::int64_t body_timeout_ms = 30'000;
  std::int64_t idle_timeout_ms = 75'000;
  bool insecure = false;
  bool read_only = false;
};

// Which commands show a field as a flag. Environment and file may hold any field for any command.
enum class SettingScope { kAll, kServe, kNotServe };

struct SettingField {
  std::string name;   // "tokens_max": flag --tokens-max, variable CTT_TOKENS_MAX, TOML key.
  std::string alias;  // Another environment variable, such as LOG_LEVEL; may be empty.
  std::string help;
  std::string Settings::*text = nullptr;  // Exactly one of the three is set.
  std::int64_t Settings::*number = nullptr;
  bool Settings::*toggle = nullptr;
  std::int64_t least = 0;  // Of a number.
  SettingScope scope = SettingScope::kAll;
  bool secret = false;  // Shown by no command.

  std::string flag() const;
  std::string variable() const;
};

const std::vector<SettingField>& SettingFields();

// `flags` holds the values given on the command line, by field name. kInvalidArgument: a value of
// the wrong kind or out of range, or a TOML key that no field has (the nearest is named); the
// message says where it came from.
Result<Settings> Resolve(const std::map<std::string, std::string>& flags,
                         const std::string& config_path);

}  // namespace ctt::cli
