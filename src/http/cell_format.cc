#include "http/cell_format.h"

namespace ctt::http {

Result<service::CellFormat> CellFormatOf(const Call& call) {
  service::CellFormat format;
  const auto separator = call.target.Query("label_separator");
  const auto kind = call.target.Query("kind");
  if ((kind || separator) && call.media != MediaType::kCsv) {
    return Status(Code::kInvalidArgument, "csv_only",
                  "'kind' and 'label_separator' are for CSV; JSON says it by the type of 'label'");
  }
  if (separator && separator->empty())
    return Status(Code::kInvalidArgument, "out_of_range", "'label_separator' is empty");
  const auto info = call.service().ShowTask(call.params[0]);
  if (info.ok() && info->kind) format.kind = *info->kind;
  if (separator) {
    format.kind = learn::TaskKind::kMulti;
    format.separator = *separator;
  }
  if (kind) {
    CTT_ASSIGN_OR_RETURN(format.kind, service::ParseKind(*kind));
  }
  return format;
}

}  // namespace ctt::http
