#include "http/route.h"

#include <algorithm>
#include <set>

namespace ctt::http {
namespace {

bool IsParameter(std::string_view part) { return part.starts_with('{') && part.ends_with('}'); }

bool MatchPattern(std::string_view pattern, const std::vector<std::string>& segments,
                  std::vector<std::string>& params) {
  pattern.remove_prefix(1);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::size_t end = std::min(pattern.find('/'), pattern.size());
    const std::string_view part = pattern.substr(0, end);
    const bool last_part = end == pattern.size();
    if (last_part != (i + 1 == segments.size())) return false;
    if (IsParameter(part) && !segments[i].empty()) {
      params.push_back(segments[i]);
    } else if (part != segments[i]) {
      return false;
    }
    if (!last_part) pattern.remove_prefix(end + 1);
  }
  return true;
}

std::string JoinAllow(std::set<std::string_view> methods) {
  if (methods.empty()) return {};
  if (methods.contains("GET")) methods.insert("HEAD");
  methods.insert("OPTIONS");
  std::string joined;
  for (const std::string_view method : methods)
    joined.append(joined.empty() ? "" : ", ").append(method);
  return joined;
}

}  // namespace

std::optional<service::Scope> NeededScope(const Route& route) {
  if (route.scope) return route.scope;
  if (route.before_ready) return std::nullopt;
  return route.method == Method::kGet ? service::Scope::kPredict : service::Scope::kLearn;
}

const std::string* TaskOfPath(const Route& route, const std::vector<std::string>& params) {
  const std::size_t first = route.pattern.find('{');
  const std::string_view rest = route.pattern.substr(std::min(first, route.pattern.size()));
  const bool task = rest.starts_with("{task}") || rest.starts_with("{model}");
  return task ? &params.front() : nullptr;
}

Status Call::MayName(std::string_view task) const {
  if (caller == nullptr || caller->MayName(task)) return Status::Ok();
  return {Code::kPermissionDenied, "task_not_allowed", "this key is not for this task"};
}

RouteMatch MatchRoute(std::span<const Route> routes, Method method,
                      const std::vector<std::string>& segments) {
  RouteMatch match;
  std::set<std::string_view> methods;
  const Method wanted = method == Method::kHead ? Method::kGet : method;
  for (const Route& route : routes) {
    std::vector<std::string> params;
    if (!MatchPattern(route.pattern, segments, params)) continue;
    methods.insert(MethodName(route.method));
    if (route.method != wanted) continue;
    match.route = &route;
    match.params = std::move(params);
    return match;
  }
  match.allow = JoinAllow(std::move(methods));
  return match;
}

}  // namespace ctt::http
