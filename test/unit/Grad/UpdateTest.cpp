// UpdateTest.cpp: how far an update goes at most.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Dialect/Grad/Update.h"

#include "mlir/AsmParser/AsmParser.h"
#include "gtest/gtest.h"

using namespace mlir;
using rnnc::grad::UpdateReach;

namespace {

UpdateReach reachOf(llvm::StringRef train) {
  MLIRContext context;
  auto settings = llvm::cast<DictionaryAttr>(parseAttribute(train, &context));
  return rnnc::grad::updateReach(settings);
}

TEST(UpdateTest, RateIsTheLargestOfAllParameters) {
  EXPECT_DOUBLE_EQ(reachOf(R"({optimize = {name = "sgd", lr = 0.5}})").rate,
                   0.5);
  EXPECT_DOUBLE_EQ(reachOf(R"({optimize = {name = "sgd", lr = 0.5},
                               rates = {a = 0.1, b = 8.0}})")
                       .rate,
                   4);
}

TEST(UpdateTest, DecayIsPartOfGradientsOrNot) {
  UpdateReach coupled =
      reachOf(R"({optimize = {name = "adam", lr = 0.1}, decay = 0.25})");
  EXPECT_EQ(coupled.decay, 0.25);
  EXPECT_EQ(coupled.shrink, 0);
  UpdateReach apart =
      reachOf(R"({optimize = {name = "adamw", lr = 0.1, decay = 0.25}})");
  EXPECT_EQ(apart.decay, 0);
  EXPECT_EQ(apart.shrink, 0.25);
}

TEST(UpdateTest, NothingIsKnownWithoutALeastDivisor) {
  EXPECT_EQ(reachOf(R"({optimize = {name = "sgd"}})").unit, 1);
  EXPECT_DOUBLE_EQ(
      reachOf(R"({optimize = {name = "rmsprop", eps = 0.5}})").unit, 2);
  EXPECT_DOUBLE_EQ(
      reachOf(R"({optimize = {name = "adam", eps = 0.5, beta1 = 0.5}})").unit,
      4);
  EXPECT_EQ(reachOf(R"({optimize = {name = "adam", eps = 0.0}})").unit, 0);
  EXPECT_EQ(reachOf(R"({optimize = {name = "sgd", momentum = 2.0}})").unit, 0);
}

} // namespace
