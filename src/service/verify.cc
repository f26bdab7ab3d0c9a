#include "service/verify.h"

namespace ctt::service {

Result<VerifyAnswer> VerifyTask(const Stores& stores, const ServedTask& served,
                                const Learner::SumsDigest& sums, std::int32_t feature_dim) {
  VerifyAnswer answer;
  answer.task = served.name;
  answer.statistics = sums.digest;
  CTT_ASSIGN_OR_RETURN(const learn::Statistics statistics,
                       StatisticsOfLog(stores, sums.id, sums.watermark, feature_dim, sums.kind));
  answer.examples = statistics.example_count();
  answer.statistics_log = ToHex(statistics.ContentDigest());
  if (served.head == nullptr) return answer;
  answer.head_version = served.version;
  answer.head_digest = ToHex(served.head->ContentDigest());
  CTT_ASSIGN_OR_RETURN(const auto version, stores.log.FindVersion(served.id, served.version));
  if (!version) return DataLoss("the live version is not there");
  CTT_ASSIGN_OR_RETURN(
      const learn::Statistics learned,
      StatisticsOfLog(stores, sums.id, version->watermark, feature_dim, sums.kind));
  CTT_ASSIGN_OR_RETURN(const learn::Head head, SolveAgain(stores, served.id, *version, learned));
  answer.head_digest_log = ToHex(head.ContentDigest());
  return answer;
}

}  // namespace ctt::service
