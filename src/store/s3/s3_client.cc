#include "store/s3/s3_client.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include <strings.h>

#include "base/hash.h"

namespace ctt::store {
namespace {

constexpr std::size_t kIdleMax = 8;
constexpr std::chrono::milliseconds kFirstPause{100}, kLongestPause{2000};
constexpr std::int64_t kRetryAfterSeconds = 5;

std::string Variable(const char* name, const char* other = nullptr) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): at start only.
  const char* value = std::getenv(name);
  if (value == nullptr && other != nullptr) return Variable(other);
  return value == nullptr ? "" : value;
}

std::size_t TakeBody(char* bytes, std::size_t size, std::size_t count, void* answer) {
  static_cast<S3Answer*>(answer)->body.append(bytes, size * count);
  return size * count;
}

std::size_t TakeHeader(char* bytes, std::size_t size, std::size_t count, void* answer) {
  constexpr std::string_view kName = "etag:";
  std::string_view line(bytes, size * count);
  if (line.size() > kName.size() && ::strncasecmp(bytes, kName.data(), kName.size()) == 0) {
    line.remove_prefix(kName.size());
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    static_cast<S3Answer*>(answer)->etag = line.substr(0, line.find_last_not_of("\r\n ") + 1);
  }
  return size * count;
}

struct Upload {
  std::string_view left;
};

std::size_t GiveBody(char* buffer, std::size_t size, std::size_t count, void* upload) {
  std::string_view& left = static_cast<Upload*>(upload)->left;
  const std::size_t take = std::min(size * count, left.size());
  std::copy_n(left.data(), take, buffer);
  left.remove_prefix(take);
  return take;
}

class Headers {
 public:
  ~Headers() { curl_slist_free_all(list_); }
  void Add(const std::string& line) { list_ = curl_slist_append(list_, line.c_str()); }
  curl_slist* list() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

// S3's own word for an error, such as "NoSuchKey".
std::string CodeOf(const std::string& body) {
  const std::size_t start = body.find("<Code>");
  if (start == std::string::npos) return "";
  return body.substr(start + 6, std::min<std::size_t>(body.find('<', start + 6) - start - 6, 60));
}

Status Unavailable(const std::string& why) {
  return Status(Code::kUnavailable, "artifacts_unavailable", "the artefact store: " + why)
      .WithRetryAfter(kRetryAfterSeconds);
}

Status StatusOf(const S3Answer& answer) {
  if (answer.status >= 200 && answer.status < 300) return Status::Ok();
  const std::string word = CodeOf(answer.body);
  const std::string message =
      "the artefact store answers " + std::to_string(answer.status) + " " + word;
  if (answer.status == 404 && word == "NoSuchBucket")
    return {Code::kFailedPrecondition, "no_bucket", message};
  if (answer.status == 404) return {Code::kNotFound, "artifact_not_found", message};
  if (answer.status == 401 || answer.status == 403) return {Code::kPermissionDenied, message};
  if (answer.status >= 500 || answer.status == 429 || answer.status == 408)
    return Unavailable(std::to_string(answer.status) + " " + word);
  return Internal(message);
}

}  // namespace

Result<S3Options> S3OptionsOf(std::string_view url) {
  constexpr std::string_view kScheme = "s3://";
  const std::size_t slash = std::min(url.find('/', kScheme.size()), url.size());
  S3Options options;
  if (url.starts_with(kScheme)) options.bucket = url.substr(kScheme.size(), slash - kScheme.size());
  if (options.bucket.empty() || url.find_first_of("?#%") != std::string_view::npos) {
    return Status(Code::kInvalidArgument, "bad_artifacts_url",
                  "artefacts are named as s3://BUCKET or s3://BUCKET/PREFIX");
  }
  options.prefix = url.substr(std::min(slash + 1, url.size()));
  if (!options.prefix.empty() && options.prefix.back() != '/') options.prefix += '/';
  options.access_key = Variable("AWS_ACCESS_KEY_ID");
  options.secret_key = Variable("AWS_SECRET_ACCESS_KEY");
  options.session_token = Variable("AWS_SESSION_TOKEN");
  if (options.access_key.empty() || options.secret_key.empty()) {
    return Status(Code::kFailedPrecondition, "no_credentials",
                  "s3:// needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment");
  }
  const std::string region = Variable("AWS_REGION", "AWS_DEFAULT_REGION");
  if (!region.empty()) options.region = region;
  options.endpoint = Variable("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
  if (options.endpoint.empty())
    options.endpoint = "https://s3." + options.region + ".amazonaws.com";
  while (options.endpoint.ends_with('/')) options.endpoint.pop_back();
  return options;
}

S3Client::S3Client(S3Options options) : options_(std::move(options)) {
  static const CURLcode kReady = curl_global_init(CURL_GLOBAL_DEFAULT);
  CTT_CHECK(kReady == CURLE_OK);
}

S3Client::~S3Client() = default;

std::string S3Client::UrlOf(CURL* handle, const S3Request& request) const {
  const auto escaped = [&](std::string_view text) {
    char* bytes = curl_easy_escape(handle, text.data(), static_cast<int>(text.size()));
    std::string out = bytes == nullptr ? "" : bytes;
    curl_free(bytes);
    return out;
  };
  std::string url = options_.endpoint + "/" + escaped(options_.bucket);
  const std::string path = request.key.empty() ? "" : options_.prefix + request.key;
  std::size_t start = 0;
  while (start < path.size()) {
    const std::size_t slash = std::min(path.find('/', start), path.size());
    url += "/" + escaped(std::string_view(path).substr(start, slash - start));
    start = slash + 1;
  }
  char separator = '?';
  for (const auto& [name, value] : request.query) {
    url += separator + escaped(name) + "=" + escaped(value);
    separator = '&';
  }
  return url;
}

Result<S3Answer> S3Client::TryOnce(CURL* handle, const S3Request& request) {
  S3Answer answer;
  Upload upload{request.body};
  Headers headers;
  headers.Add("x-amz-content-sha256: " + ToHex(Sha256(request.body)));
  if (!options_.session_token.empty())
    headers.Add("x-amz-security-token: " + options_.session_token);
  headers.Add("Content-Type: application/octet-stream");
  const std::string url = UrlOf(handle, request);
  const std::string signing = "aws:amz:" + options_.region + ":s3";
  const std::string user = options_.access_key + ":" + options_.secret_key;
  curl_easy_reset(handle);
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, 5'000L);
  // An answer that stops for this long is given up.
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, 15L);
  curl_easy_setopt(handle, CURLOPT_AWS_SIGV4, signing.c_str());
  curl_easy_setopt(handle, CURLOPT_USERPWD, user.c_str());
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.list());
  const std::string_view method = request.method;
  if (method == "PUT" || method == "POST") {
    const auto size = static_cast<curl_off_t>(request.body.size());
    curl_easy_setopt(handle, method == "PUT" ? CURLOPT_UPLOAD : CURLOPT_POST, 1L);
    curl_easy_setopt(
        handle, method == "PUT" ? CURLOPT_INFILESIZE_LARGE : CURLOPT_POSTFIELDSIZE_LARGE, size);
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, GiveBody);
    curl_easy_setopt(handle, CURLOPT_READDATA, &upload);
  }
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, TakeBody);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, TakeHeader);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &answer);
  const CURLcode done = curl_easy_perform(handle);
  if (done != CURLE_OK) return Unavailable(curl_easy_strerror(done));
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer.status);
  CTT_RETURN_IF_ERROR(StatusOf(answer));
  return answer;
}

Result<S3Answer> S3Client::Send(const S3Request& request) {
  Handle handle = idle_.With([](std::vector<Handle>& idle) {
    if (idle.empty()) return Handle();
    Handle taken = std::move(idle.back());
    idle.pop_back();
    return taken;
  });
  if (handle == nullptr) handle.reset(curl_easy_init());
  if (handle == nullptr) return Internal("libcurl cannot start");
  Result<S3Answer> answer = TryOnce(handle.get(), request);
  std::chrono::milliseconds pause = kFirstPause;
  for (int tries = 1; tries < kTriesMax; ++tries) {
    if (answer.ok() || answer.status().code() != Code::kUnavailable) break;
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kLongestPause);
    answer = TryOnce(handle.get(), request);
  }
  idle_.With([&](std::vector<Handle>& idle) {
    if (idle.size() < kIdleMax) idle.push_back(std::move(handle));
  });
  return answer;
}

}  // namespace ctt::store
