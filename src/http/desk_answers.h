#pragma once
// The data desk's answers -> JSON text, as api/openapi.yaml describes it. Pure functions.
#include <string>
#include <vector>

#include "service/audit.h"
#include "service/types.h"

namespace ctt::http {

std::string AuditJson(const service::AuditAnswer& audit);
std::string SuggestJson(const std::string& task, const std::vector<std::string>& texts,
                        const std::vector<service::Suggestion>& suggestions);

}  // namespace ctt::http
