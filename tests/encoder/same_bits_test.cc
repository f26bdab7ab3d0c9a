// The features of a text are the same bytes on every instruction set of every machine: the digests
// are constants, and an AArch64 build under qemu must meet them too (tools/test --all). It emulates
// fp32 so slowly that engine f32 has a digest of the first texts alone for it.
#include <string>

#include "base/hash.h"
#include "tests/encoder/model_on_texts.h"

namespace ctt::encoder {
namespace {

struct Expected {
  Engine engine;
  int texts;
  const char* digest;  // SHA-256 of embeddings, then phi, of MadeTexts(texts).
};

class SameBitsTest : public OwnCacheTest, public ::testing::WithParamInterface<Expected> {};

std::string DigestOf(const Features& features) {
  Sha256Stream stream;
  stream.Update({reinterpret_cast<const char*>(features.embeddings.data()),
                 features.embeddings.size() * sizeof(float)});
  stream.Update({reinterpret_cast<const char*>(features.phi.data()), features.phi.size()});
  return ToHex(stream.Finish());
}

// Under a sanitizer 2,000 texts take a quarter of an hour, and 40 run the same code.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

TEST_P(SameBitsTest, OnEveryIsa) {
  if (kSanitized && GetParam().texts > 40) GTEST_SKIP() << "40 texts stand for them here";
  const auto isas = kernels::PresentIsas();
  const auto texts = MadeTexts(GetParam().texts);
  Features wanted;
  for (auto isa = isas.rbegin(); isa != isas.rend(); ++isa) {
    // The plain reference is a hundred times slower: it reads the packed weights that the first one
    // left, and gets a part of the texts.
    const bool slow = *isa == kernels::Isa::kReference && isas.size() > 1;
    const bool keeps = slow || isa == isas.rbegin();
    const auto encoder = LoadOn(*isa, GetParam().engine, keeps ? folder_ : fs::path());
    ASSERT_NE(nullptr, encoder);
    EXPECT_EQ(*isa, encoder->isa());
    EXPECT_FALSE(encoder->isa_fell_back());
    if (!slow) {
      wanted = Encode(*encoder, texts, 77);
      EXPECT_EQ(DigestOf(wanted), GetParam().digest) << kernels::IsaName(*isa);
      continue;
    }
    constexpr std::size_t kCount = 24;
    const Features part = {{wanted.embeddings.begin(), wanted.embeddings.begin() + kCount * 384},
                           {wanted.phi.begin(), wanted.phi.begin() + kCount * 768}};
    EXPECT_TRUE(SameBytes(part, Encode(*encoder, {texts.begin(), texts.begin() + kCount}, 5)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Engines, SameBitsTest,
    ::testing::Values(Expected{Engine::kI8, 40,
                               "2ecbe9c837cf6f4184c6405d9eb8a5c082b03b60a418bfc3bca9875908202472"},
                      Expected{Engine::kI8, 2000,
                               "622ece1597278a8b8cb12ba9b1b9cc0052c4822f0a0eb15508d4fe9f5cb912b0"},
                      Expected{Engine::kF32, 40,
                               "8169da5127e2b11a98fab1dc5b3be01172e078c28fe55f17a8e9ce8f093627a8"},
                      Expected{Engine::kF32, 2000,
                               "553da217f07cf26a2fbeb0bbee72f04a515e7710112c107e6f5e9c5979cef439"}),
    [](const auto& row) {
      return std::string(EngineName(row.param.engine)) + "_" + std::to_string(row.param.texts);
    });

}  // namespace
}  // namespace ctt::encoder
