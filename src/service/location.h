#pragma once
// Where a command keeps what it learns, as the rooms above say it; see store/home.h. Threads:
// values.
#include "store/home.h"

namespace ctt::service {

using store::IsDatabaseUrl;
using store::Location;
using store::WithoutPassword;

}  // namespace ctt::service
