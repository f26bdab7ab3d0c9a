// ctt keys: on a data directory that no server holds, or through a server.
#include <fmt/format.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/rfc3339.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/http_client.h"
#include "cli/session.h"
#include "service/key_ring.h"

namespace ctt::cli {
namespace {

constexpr std::string_view kWho = "local";

json::value Time(std::int64_t unix_us) {
  if (unix_us == 0) return nullptr;
  return json::value(Rfc3339(unix_us));
}

json::array List(const std::vector<std::string>& words) {
  json::array list;
  for (const std::string& word : words) list.push_back(json::string(word));
  return list;
}

// As the server answers.
json::object Describe(const service::KeyInfo& info) {
  return {{"id", info.id},
          {"name", info.key.name},
          {"scopes", List(info.key.scopes)},
          {"tasks", List(info.key.tasks)},
          {"requests_per_second", info.key.requests_per_second},
          {"requests_per_day", info.key.requests_per_day},
          {"requests_today", info.requests_today},
          {"created_at", Time(info.created_us)},
          {"last_used_at", Time(info.last_used_us)},
          {"revoked_at", Time(info.revoked_us)}};
}

std::string Words(const json::value& list) {
  std::string text;
  for (const json::value& word : list.as_array())
    text += (text.empty() ? "" : ",") + std::string(word.as_string());
  return text;
}

// A line for people.
void PrintKey(const json::object& key) {
  const json::value& used = key.at("last_used_at");
  const std::string tasks = Words(key.at("tasks"));
  fmt::print("{}  {:<20} {:<20} {:<16} {}\n", std::string(key.at("id").as_string()),
             std::string(key.at("name").as_string()), Words(key.at("scopes")),
             tasks.empty() ? "every task" : tasks,
             !key.at("revoked_at").is_null() ? "revoked"
             : used.is_null()                ? "never used"
                                             : "used " + std::string(used.as_string()));
}

Result<std::unique_ptr<service::KeyRing>> OpenRing(const Settings& settings, const Clock& clock) {
  auto ring = service::KeyRing::OpenAt(LocationOf(settings), clock);
  if (ring.ok() || ring.status().reason() != "locked") return ring;
  return Status(ring.status().code(), "locked",
                ring.status().message() +
                    "; if that is a server, go through it with --url http://ADDRESS:PORT");
}

std::string NewKeyJson(const service::NewKey& key) {
  json::object body = {{"name", key.name},
                       {"scopes", List(key.scopes)},
                       {"requests_per_second", key.requests_per_second},
                       {"requests_per_day", key.requests_per_day}};
  if (!key.tasks.empty()) body["tasks"] = List(key.tasks);
  return json::serialize(body);
}

Result<json::object> MakeKey(const Settings& settings, const service::NewKey& wanted) {
  if (!settings.url.empty()) {
    CTT_ASSIGN_OR_RETURN(const HttpClient client, HttpClient::Make(settings.url, settings));
    return client.Ask("POST", "/v1/keys", NewKeyJson(wanted));
  }
  const SystemClock clock;
  CTT_ASSIGN_OR_RETURN(const auto ring, OpenRing(settings, clock));
  CTT_ASSIGN_OR_RETURN(const service::MadeKey made, ring->Create(wanted, kWho, ""));
  json::object answer = {{"key", made.secret}};
  for (const auto& [name, value] : Describe(made.info)) answer[name] = value;
  return answer;
}

Result<json::array> ReadKeys(const Settings& settings) {
  if (!settings.url.empty()) {
    CTT_ASSIGN_OR_RETURN(const HttpClient client, HttpClient::Make(settings.url, settings));
    CTT_ASSIGN_OR_RETURN(const json::object answer, client.Ask("GET", "/v1/keys"));
    return answer.at("keys").as_array();
  }
  const SystemClock clock;
  CTT_ASSIGN_OR_RETURN(const auto ring, OpenRing(settings, clock));
  json::array keys;
  for (const service::KeyInfo& info : ring->List()) keys.push_back(Describe(info));
  return keys;
}

Result<json::object> EndKey(const Settings& settings, const std::string& id) {
  if (!settings.url.empty()) {
    CTT_ASSIGN_OR_RETURN(const HttpClient client, HttpClient::Make(settings.url, settings));
    return client.Ask("DELETE", "/v1/keys/" + id);
  }
  const SystemClock clock;
  CTT_ASSIGN_OR_RETURN(const auto ring, OpenRing(settings, clock));
  CTT_ASSIGN_OR_RETURN(const service::KeyInfo info, ring->Revoke(id, kWho, ""));
  return Describe(info);
}

}  // namespace

Status CreateKey(const CommandContext& context, const service::NewKey& wanted) {
  CTT_ASSIGN_OR_RETURN(const json::object made, MakeKey(context.settings, wanted));
  if (context.json) {
    PrintJson(made);
    return Status::Ok();
  }
  fmt::print("{}\n", std::string(made.at("key").as_string()));
  fmt::print(stderr, "keep it: it is shown this once; its id is {}\n",
             std::string(made.at("id").as_string()));
  return Status::Ok();
}

Status ListKeys(const CommandContext& context) {
  CTT_ASSIGN_OR_RETURN(json::array keys, ReadKeys(context.settings));
  if (context.json) {
    PrintJson({{"keys", std::move(keys)}});
    return Status::Ok();
  }
  for (const json::value& key : keys) PrintKey(key.as_object());
  if (keys.empty()) fmt::print("there is no key: every caller is admitted\n");
  return Status::Ok();
}

Status RevokeKey(const CommandContext& context, const std::string& id) {
  const bool good = !id.empty() && id.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!good) return InvalidArgument("'" + id + "' is no key's id; see ctt keys list");
  CTT_ASSIGN_OR_RETURN(const json::object key, EndKey(context.settings, id));
  if (context.json)
    PrintJson(key);
  else
    fmt::print("{}: revoked\n", id);
  return Status::Ok();
}

}  // namespace ctt::cli
