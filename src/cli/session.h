#pragma once
// Session: a service opened by a command on the data directory, with what must outlive it.
#include <memory>

#include "base/clock.h"
#include "cli/settings.h"
#include "service/service.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

namespace ctt::cli {

class Session {
 public:
  // Choices are made only when a command asks (Service::Settle).
  static Result<std::unique_ptr<Session>> Open(const Settings& settings);
  service::Service& service() { return *service_; }

 private:
  SystemClock clock_;
  telemetry::Metrics metrics_;
  telemetry::Log log_{telemetry::LogLevel::kWarning};
  std::unique_ptr<service::Service> service_;
};

// The service's options as the settings have them. kInvalidArgument: no such engine.
Result<service::ServiceOptions> MakeServiceOptions(const Settings& settings);

}  // namespace ctt::cli
