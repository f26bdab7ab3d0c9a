#pragma once
// S3Client: signed requests (AWS Signature Version 4, by libcurl) to one bucket of any server that
// speaks S3, addressed path-style: ENDPOINT/BUCKET/KEY. What may pass by itself (no connection, a
// 5xx, "slow down") is tried again, with a pause that doubles.
//
// Threads: every call is safe from any thread; each uses a connection of its own, kept for the
// next.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <curl/curl.h>

#include "base/guarded.h"
#include "base/status.h"

namespace ctt::store {

struct S3Options {
  std::string endpoint;  // "https://s3.eu-west-1.amazonaws.com", without a '/' at its end.
  std::string region = "us-east-1";
  std::string bucket;
  std::string prefix;  // Empty, or "some/folder/".
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // Empty: none.
  // An object of more bytes goes up in parts of this size. S3 wants at least 5 MiB.
  std::size_t part_bytes = std::size_t{16} << 20;
};

// From an URL s3://BUCKET/PREFIX and the variables that every S3 tool reads: AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION or AWS_DEFAULT_REGION, AWS_ENDPOINT_URL_S3
// or AWS_ENDPOINT_URL. kInvalidArgument ("bad_artifacts_url"), kFailedPrecondition
// ("no_credentials").
Result<S3Options> S3OptionsOf(std::string_view url);

struct S3Request {
  const char* method = "GET";
  std::string key;  // After the prefix; empty: the bucket itself.
  // Sorted by name, as they are signed.
  std::vector<std::pair<std::string, std::string>> query;
  std::string_view body;
};

struct S3Answer {
  long status = 0;
  std::string body;
  std::string etag;
};

class S3Client {
 public:
  static constexpr int kTriesMax = 6;

  explicit S3Client(S3Options options);
  ~S3Client();
  S3Client(const S3Client&) = delete;
  S3Client& operator=(const S3Client&) = delete;

  // The answer if its status is 2xx. kNotFound; kPermissionDenied; kUnavailable
  // ("artifacts_unavailable") after the last try; kInternal.
  Result<S3Answer> Send(const S3Request& request);
  const S3Options& options() const { return options_; }

 private:
  struct Cleanup {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };
  using Handle = std::unique_ptr<CURL, Cleanup>;
  Result<S3Answer> TryOnce(CURL* handle, const S3Request& request);
  std::string UrlOf(CURL* handle, const S3Request& request) const;

  const S3Options options_;
  Guarded<std::vector<Handle>> idle_;
};

}  // namespace ctt::store
