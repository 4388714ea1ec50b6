// SlowNoticeTest.cpp: a line when something takes longer than a moment.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SlowNotice.h"

#include <gtest/gtest.h>

using rnnc::tool::SlowNotice;
using std::chrono::hours;
using std::chrono::milliseconds;

TEST(SlowNotice, SaysWhatTakesLong) {
  testing::internal::CaptureStderr();
  {
    SlowNotice notice("compiling m.rnn ...", milliseconds(0));
    std::this_thread::sleep_for(milliseconds(200));
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "compiling m.rnn ...\n");
}

TEST(SlowNotice, IsSilentAboutWhatIsQuick) {
  testing::internal::CaptureStderr();
  {
    SlowNotice notice("compiling m.rnn ...", hours(1));
  }
  {
    SlowNotice none("", milliseconds(0));
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}
