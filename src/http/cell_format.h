#pragma once
// How the cells of a CSV body say what rows say: by the query, else by the kind of the task.
#include "http/route.h"
#include "service/targets.h"

namespace ctt::http {

// ?kind=single|multi|regression, ?label_separator=TEXT (which means multi). kInvalidArgument
// ("bad_kind", "out_of_range"; "csv_only": the body is not CSV). Must not block.
Result<service::CellFormat> CellFormatOf(const Call& call);

}  // namespace ctt::http
