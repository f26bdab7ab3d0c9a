#pragma once
// Reports as one HTML page each, with plots as inline SVG: nothing is fetched to view them, and no
// script runs. Light and dark by the viewer's setting. Pure functions but for WriteReport.
#include <string>

#include "base/json.h"
#include "base/status.h"
#include "cli/course.h"

namespace ctt::cli {

// REQUIRES: `figures` is an answer of POST /v1/tasks/{task}/evaluate.
std::string EvaluateReport(const json::object& figures);
std::string ContinualReport(const Course& course);

// kNotFound: the file cannot be written.
Status WriteReport(const std::string& path, const std::string& html);

}  // namespace ctt::cli
