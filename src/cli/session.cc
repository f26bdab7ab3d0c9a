#include "cli/session.h"

#include <utility>

namespace ctt::cli {

Result<service::ServiceOptions> MakeServiceOptions(const Settings& settings) {
  service::ServiceOptions options;
  options.data_folder = settings.data;
  options.model_folder = settings.model;
  CTT_ASSIGN_OR_RETURN(options.engine, encoder::ParseEngine(settings.engine));
  options.tokens_max = static_cast<std::int32_t>(settings.tokens_max);
  options.threads = static_cast<std::int32_t>(settings.threads);
  options.settle_delay_ms = settings.settle_delay_ms;
  options.limits.text_chars_max = settings.text_chars_max;
  return options;
}

Result<std::unique_ptr<Session>> Session::Open(const Settings& settings) {
  CTT_ASSIGN_OR_RETURN(service::ServiceOptions options, MakeServiceOptions(settings));
  options.settle_delay_ms = -1;
  auto session = std::make_unique<Session>();
  CTT_ASSIGN_OR_RETURN(
      session->service_,
      service::Service::Start(options, session->clock_, session->metrics_, session->log_));
  return session;
}

}  // namespace ctt::cli
