#include "http/route.h"

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
