// PackTest.cpp: text that repeats itself, packed and back.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Runtime/PackedText.h"
#include "rnnc/Target/CPU/PackText.h"

#include "gtest/gtest.h"

#include <random>

using namespace rnnc;

static std::string unpacked(const std::string &packed) {
  std::string text(rt::textBytes(packed.data()), '?');
  EXPECT_TRUE(rt::TextUnpacker(packed.data(), text.data()).run());
  return text;
}

TEST(PackedText, ComesBack) {
  std::mt19937 random(1);
  for (unsigned letters : {1u, 2u, 4u, 200u})
    for (size_t size :
         {0, 1, 5, 6, 7, 127, 128, 129, 133, 134, 388, 389, 1000, 70000}) {
      std::string text;
      while (text.size() != size)
        text += char(random() % letters);
      EXPECT_EQ(unpacked(target::packText(text)), text)
          << letters << " letters, " << size;
    }
}

TEST(PackedText, IsSmall) {
  std::string text;
  for (unsigned i = 0; i != 1000; ++i)
    text += "\tfma.rn.f32 \t%r" + std::to_string(i) + ", %r1, %r2, %r3;\n";
  EXPECT_LT(target::packText(text).size(), text.size() / 3);
  EXPECT_EQ(target::packText(text), target::packText(text));
}

/// What differs in few places is found as far back as before.
TEST(PackedText, OtherNumbers) {
  std::mt19937 random(2);
  std::string line, text;
  for (unsigned i = 0; i != 40; ++i)
    line += "\tadd.s64 %rd" + std::to_string(100 + random() % 900) + ", 8;\n";
  for (unsigned copy = 0; copy != 50; ++copy) {
    for (size_t at = 12; at < line.size(); at += 20)
      line[at] = char('0' + random() % 10);
    text += line;
  }
  std::string packed = target::packText(text);
  EXPECT_EQ(unpacked(packed), text);
  EXPECT_LT(packed.size(), text.size() / 4);
}

/// Whatever the bytes are, nothing is read or written elsewhere.
TEST(PackedText, DamagedBytes) {
  std::string text = "one two three one two three one two three, four";
  std::string packed = target::packText(text);
  for (size_t at = rt::kPackedHead; at != packed.size(); ++at)
    for (unsigned value = 0; value != 256; ++value) {
      std::string damaged = packed, out(text.size(), '?');
      damaged[at] = char(value);
      (void)rt::TextUnpacker(damaged.data(), out.data()).run();
    }
}
