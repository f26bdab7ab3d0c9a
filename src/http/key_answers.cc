// Keys and the audit log as JSON.
#include "base/rfc3339.h"
#include "http/answers.h"

namespace ctt::http {
namespace {

void AppendTime(JsonWriter& json, std::string_view name, std::int64_t unix_us) {
  json.Key(name);
  unix_us == 0 ? json.Null() : json.String(Rfc3339(unix_us));
}

void AppendOptional(JsonWriter& json, std::string_view name, const std::string& text) {
  json.Key(name);
  text.empty() ? json.Null() : json.String(text);
}

void AppendKey(JsonWriter& json, const service::KeyInfo& info) {
  json.Field("id", info.id).Field("name", info.key.name);
  json.Key("scopes").Strings(info.key.scopes);
  json.Key("tasks").Strings(info.key.tasks);
  json.Field("requests_per_second", info.key.requests_per_second)
      .Field("requests_per_day", info.key.requests_per_day)
      .Field("requests_today", info.requests_today);
  AppendTime(json, "created_at", info.created_us);
  AppendTime(json, "last_used_at", info.last_used_us);
  AppendTime(json, "revoked_at", info.revoked_us);
}

}  // namespace

std::string KeyJson(const service::KeyInfo& key) {
  JsonWriter json;
  json.BeginObject();
  AppendKey(json, key);
  json.EndObject();
  return std::move(json).Take();
}

std::string MadeKeyJson(const service::MadeKey& made) {
  JsonWriter json;
  json.BeginObject().Field("key", made.secret);
  AppendKey(json, made.info);
  json.EndObject();
  return std::move(json).Take();
}

std::string KeyListJson(const std::vector<service::KeyInfo>& keys) {
  JsonWriter json;
  json.BeginObject().Key("keys").BeginArray();
  for (const service::KeyInfo& key : keys) {
    json.BeginObject();
    AppendKey(json, key);
    json.EndObject();
  }
  json.EndArray().EndObject();
  return std::move(json).Take();
}

std::string AuditJson(const std::vector<service::AuditInfo>& entries, bool last_page) {
  JsonWriter json;
  json.BeginObject().Key("entries").BeginArray();
  for (const service::AuditInfo& entry : entries) {
    json.BeginObject().Field("seq", entry.seq);
    AppendTime(json, "time", entry.time_us);
    json.Field("who", entry.origin.who);
    AppendOptional(json, "request_id", entry.origin.request);
    json.Field("action", entry.action).Field("subject", entry.subject).Field("rows", entry.rows);
    AppendOptional(json, "head_before", entry.digest_before);
    AppendOptional(json, "head_after", entry.digest_after);
    json.EndObject();
  }
  json.EndArray().Key("next_after");
  last_page ? json.Null() : json.Integer(entries.back().seq);
  json.EndObject();
  return std::move(json).Take();
}

}  // namespace ctt::http
