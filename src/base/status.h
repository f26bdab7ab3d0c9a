#pragma once
// Status and Result: how every room of ctt reports an error. No exception crosses a folder: the
// file that calls a throwing library catches there and returns a Status.
//
// A code is chosen by what the caller can do next, not by where the error arose. A `reason` is a
// stable snake_case word for programs ("task_not_found"); it becomes `code` in a problem+json
// answer. A message is one sentence for people; it may change, and never holds the text of an
// example.
//
// Threads: values; copy and move freely.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace ctt {

enum class Code {
  kOk = 0,
  kInvalidArgument,     // The request itself is wrong: change it. HTTP 422 (400 if it cannot be
                        // parsed).
  kNotFound,            // No such task, example, version, file. HTTP 404.
  kAlreadyExists,       // The name or id is taken. HTTP 409.
  kFailedPrecondition,  // Right request, wrong state: act first (learn, unlock), then retry. HTTP
                        // 409.
  kUnauthenticated,     // No key came, or none that is known: send one. HTTP 401.
  kPermissionDenied,    // Not with this key or these file modes. HTTP 403.
  kTooLarge,            // Past a limit that the message names: send less. HTTP 413.
  kResourceExhausted,   // Full at this moment: wait and retry. HTTP 429.
  kDeadlineExceeded,    // The time the caller gave is over. HTTP 504.
  kUnavailable,         // Starting, draining, or a database is gone: retry later. HTTP 503.
  kCancelled,           // The caller went away.
  kDataLoss,            // Stored bytes are damaged; the message names them. HTTP 500.
  kInternal,            // A bug or the operating system. HTTP 500.
};

// "invalid_argument" and so on: the reason of a Status that was given none.
std::string_view CodeName(Code code);

class [[nodiscard]] Status {
 public:
  Status() = default;  // OK.
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}
  Status(Code code, std::string reason, std::string message)
      : code_(code), reason_(std::move(reason)), message_(std::move(message)) {}

  static Status Ok() { return {}; }
  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  std::string_view reason() const { return reason_.empty() ? CodeName(code_) : reason_; }

  // The same error with "context: " before the message, for the path or row that it concerns.
  Status WithContext(std::string_view context) const;
  // The same error with how long to wait before the next try, in whole seconds.
  Status WithRetryAfter(std::int64_t seconds) const;
  std::int64_t retry_after_s() const { return retry_after_s_; }  // 0: nothing is known.
  // "not_found: no task 'x'" for logs and test failures.
  std::string ToString() const;

 private:
  Code code_ = Code::kOk;
  std::string reason_;
  std::string message_;
  std::int64_t retry_after_s_ = 0;
};

Status InvalidArgument(std::string message);
Status NotFound(std::string message);
Status FailedPrecondition(std::string message);
Status DataLoss(std::string message);
Status Internal(std::string message);

// A value or the error that prevented it. REQUIRES: ok() before value(); checked, aborts otherwise.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::move(value)) {}         // NOLINT: implicit by design.
  Result(Status status) : held_(std::move(status)) {}  // NOLINT: REQUIRES: !status.ok().

  bool ok() const { return std::holds_alternative<T>(held_); }
  Status status() const { return ok() ? Status::Ok() : std::get<Status>(held_); }
  T& value() & { return std::get<T>(held_); }
  const T& value() const& { return std::get<T>(held_); }
  T&& value() && { return std::get<T>(std::move(held_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::get<T>(std::move(held_)); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Status> held_;
};

#define CTT_CONCAT_INNER(a, b) a##b
#define CTT_CONCAT(a, b) CTT_CONCAT_INNER(a, b)
#define CTT_RETURN_IF_ERROR(expr)                                               \
  do {                                                                          \
    if (::ctt::Status ctt_status = (expr); !ctt_status.ok()) return ctt_status; \
  } while (false)
#define CTT_ASSIGN_OR_RETURN(lhs, expr) \
  CTT_ASSIGN_IMPL(CTT_CONCAT(ctt_result_, __LINE__), lhs, expr)
#define CTT_ASSIGN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                    \
  if (!tmp.ok()) return tmp.status();   \
  lhs = std::move(tmp).value()

// A broken invariant is a bug: prints the place and aborts, in every build. Untrusted input never
// meets one.
#define CTT_CHECK(condition) \
  ((condition) ? (void)0 : ::ctt::CheckFailed(#condition, __FILE__, __LINE__))
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);

}  // namespace ctt
