// ParamsTest.cpp: the arena of parameters and its first values.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Tables.h"

#include <gtest/gtest.h>

#include <cstring>

using namespace rnnc::rt;
using namespace rnnc::rt::test;

namespace {

TEST(Params, FirstValues) {
  Memory memory(rnnc_rt_params_size(kToy)), again(memory.size),
      other(memory.size);
  auto *params = memory.as<rnnc_params>();
  EXPECT_EQ(rnnc_rt_params_data(kToy, params, 0), nullptr); // not yet
  ASSERT_EQ(rnnc_rt_params_init(kToy, params, memory.size, 1, nullptr),
            RNNC_OK);
  ASSERT_EQ(rnnc_rt_params_init(kToy, again.as<rnnc_params>(), again.size, 1,
                                nullptr),
            RNNC_OK);
  ASSERT_EQ(rnnc_rt_params_init(kToy, other.as<rnnc_params>(), other.size, 2,
                                nullptr),
            RNNC_OK);
  EXPECT_EQ(memcmp(memory.data, again.data, memory.size), 0);
  EXPECT_NE(memcmp(memory.data, other.data, memory.size), 0);
  auto *w = static_cast<float *>(rnnc_rt_params_data(kToy, params, 0));
  for (int i = 0; i < 6; ++i) {
    EXPECT_GE(w[i], -1);
    EXPECT_LT(w[i], 1);
    EXPECT_NE(w[i], w[(i + 1) % 6]);
  }
  // One value for each label of axis 0; the padding between is 0.
  auto *b = static_cast<float *>(rnnc_rt_params_data(kToy, params, 1));
  EXPECT_EQ(b, w + 16);
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(b[i], i < 3 ? 0.5f : -1.0f);
  for (int i = 6; i < 16; ++i)
    EXPECT_EQ(w[i], 0);
  EXPECT_EQ(rnnc_rt_params_data(kToy, params, 2), nullptr);
  EXPECT_EQ(rnnc_rt_params_data(kOther, params, 0), nullptr);
  EXPECT_TRUE(memory.intact());
}

TEST(Params, Refused) {
  Memory memory(rnnc_rt_params_size(kToy));
  auto *params = memory.as<rnnc_params>();
  EXPECT_EQ(rnnc_rt_params_init(kToy, params, memory.size - 1, 1, nullptr),
            RNNC_ERR_WORKSPACE);
  EXPECT_EQ(rnnc_rt_params_init(kToy, nullptr, memory.size, 1, nullptr),
            RNNC_ERR_ARGUMENT);
  EXPECT_EQ(rnnc_rt_params_init(9, params, memory.size, 1, nullptr),
            RNNC_ERR_ARGUMENT);
  EXPECT_EQ(rnnc_rt_params_size(9), 0u);
  EXPECT_EQ(rnnc_rt_params_size(-1), 0u);
}

} // namespace
