// HostCachesTest.cpp: sizes of caches, from what Linux says and from nonsense.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Target/CPU/HostCaches.h"
#include "rnnc/Target/CPU/Architecture.h"
#include "rnnc/Target/CPU/Library.h"

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include "gtest/gtest.h"

#include <fstream>

using namespace rnnc;

namespace {
/// A folder of caches as Linux writes it.
class Caches : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("rnnc-caches", folder));
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  void add(int index, const char *level, const char *type, const char *size) {
    llvm::SmallString<128> at(folder);
    llvm::sys::path::append(at, "index" + std::to_string(index));
    ASSERT_FALSE(llvm::sys::fs::create_directory(at));
    auto write = [&](const char *name, const char *text) {
      std::ofstream((at + "/" + name).str()) << text << "\n";
    };
    write("level", level);
    write("type", type);
    write("size", size);
  }

  llvm::SmallString<128> folder;
};
} // namespace

TEST_F(Caches, ThoseForData) {
  add(0, "1", "Data", "48K");
  add(1, "1", "Instruction", "32K");
  add(2, "2", "Unified", "2048K");
  add(3, "3", "Unified", "266240K");
  target::CacheSizes sizes = target::cachesIn(folder);
  EXPECT_EQ(sizes.l1, 48 << 10);
  EXPECT_EQ(sizes.l2, 2 << 20);
}

TEST_F(Caches, NotKnown) {
  EXPECT_EQ(target::cachesIn(folder).l1, 0);
  add(0, "1", "Data", "");
  add(1, "2", "Unified", "99999999999999999999K");
  target::CacheSizes sizes = target::cachesIn(folder);
  EXPECT_EQ(sizes.l1, 0);
  EXPECT_EQ(sizes.l2, 0);
}

TEST_F(Caches, NobodyBuilds) {
  add(0, "1", "Data", "1K");
  add(1, "2", "Unified", "1024M");
  target::CacheSizes sizes = target::cachesIn(folder);
  EXPECT_EQ(sizes.l1, 0);
  EXPECT_EQ(sizes.l2, 0);
}

/// Code for this machine is for its caches, any other for those of its level.
TEST(Describe, CachesOfTheMachine) {
  mlir::MLIRContext context;
  context.loadDialect<kernel::KernelDialect>();
  const target::Architecture &host = target::hostArchitecture();
  auto named = llvm::cantFail(target::variantsFor(host, ""));
  auto known = kernel::targetNamed(&context, named.front().like);
  EXPECT_EQ(target::describe(&context, named.front()).getL2(), known.getL2());
  auto native = llvm::cantFail(target::variantsFor(host, "native"));
  native.front().caches = {48 << 10, 2 << 20};
  EXPECT_EQ(target::describe(&context, native.front()).getL1(), 48 << 10);
  EXPECT_EQ(target::describe(&context, native.front()).getL2(), 2 << 20);
  native.front().caches = {};
  EXPECT_EQ(target::describe(&context, native.front()).getL2(), known.getL2());
}
