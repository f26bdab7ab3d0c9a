#include "base/base64.h"

#include <gtest/gtest.h>

namespace ctt {
namespace {

// RFC 4648, section 10, and bytes that need the last two letters of the alphabet.
TEST(Base64Test, AsTheStandardHasIt) {
  EXPECT_EQ(ToBase64(""), "");
  EXPECT_EQ(ToBase64("f"), "Zg==");
  EXPECT_EQ(ToBase64("fo"), "Zm8=");
  EXPECT_EQ(ToBase64("foo"), "Zm9v");
  EXPECT_EQ(ToBase64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(ToBase64(std::string_view("\xFB\xFF\x00", 3)), "+/8A");
}

TEST(Base64Test, ReadsBackWhatItWroteAndNothingElse) {
  std::string bytes;
  for (int length = 0; length < 300; ++length) {
    EXPECT_EQ(*FromBase64(ToBase64(bytes)), bytes);
    bytes += static_cast<char>(length * 7);
  }
  for (const char* text :
       {"Zg", "Zg=", "Zh==", "Zg==Zg==", " Zg==", "Zg==\n", "Z*==", "====", "Zm9"})
    EXPECT_FALSE(FromBase64(text).ok()) << text;
}

}  // namespace
}  // namespace ctt
