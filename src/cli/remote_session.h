#pragma once
// RemoteSession: a Session through the HTTP routes of a running server. See session.h.
#include <memory>
#include <string>

#include "cli/session.h"

namespace ctt::cli {

// kInvalidArgument: not the URL of a server. Nothing is sent yet.
Result<std::unique_ptr<Session>> OpenRemoteSession(const Settings& settings);

}  // namespace ctt::cli
