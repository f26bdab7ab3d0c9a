#include "base/json_writer.h"
#include "http/routes.h"

namespace ctt::http {

Result<Reply> Health(const Call&) { return JsonReply(R"({"status":"ok"})"); }

// The process is asked, not this server: the port of the metrics says the same as the main one.
Result<Reply> Ready(const Call& call) {
  if (call.server.draining) return Status(Code::kUnavailable, "draining", "the server is stopping");
  if (call.server.metrics.ready()) return JsonReply(R"({"status":"ready"})");
  return Status(Code::kUnavailable, "not_ready", "the server is starting or stopping");
}

Result<Reply> MetricsText(const Call& call) {
  return Reply{200, "text/plain; version=0.0.4; charset=utf-8", call.server.metrics.Text(), {}};
}

Result<Reply> Version(const Call& call) {
  JsonWriter json;
  json.BeginObject()
      .Field("name", "ctt")
      .Field("version", call.server.options.version)
      .Field("api", "v1")
      .EndObject();
  return JsonReply(std::move(json).Take());
}

}  // namespace ctt::http
