// RNNToScan.cpp: the pass that gives a program its batch.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Conversion/RNNToScan/RNNToScan.h"

#include "Functions.h"

#include "rnnc/Dialect/Grad/Grad.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringSet.h"

namespace rnnc {
#define GEN_PASS_DEF_CONVERTRNNTOSCAN
#include "rnnc/Conversion/RNNToScan/Passes.h.inc"
} // namespace rnnc

using namespace mlir;
using namespace rnnc;
using namespace rnnc::batch;

namespace {

/// The functions that a module's exports name, by what they need; empty: all
/// that make sense.
llvm::StringSet<> wantedFunctions(rnn::ModuleOp module) {
  llvm::StringSet<> wanted;
  for (auto entry : module.getExports().getAsRange<DictionaryAttr>())
    if (auto name = entry.getAs<StringAttr>("function"))
      wanted.insert(name.getValue());
  return wanted;
}

struct ConvertRNNToScan
    : public rnnc::impl::ConvertRNNToScanBase<ConvertRNNToScan> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp top = getOperation();
    if (precision != "f32" && precision != "f64") {
      top.emitError("precision is f32 or f64, not ") << precision;
      return signalPassFailure();
    }
    OpBuilder b(&getContext());
    FloatType real = precision == "f64" ? FloatType(b.getF64Type())
                                        : FloatType(b.getF32Type());
    llvm::json::Array manifest;
    SmallVector<rnn::ModuleOp> modules(top.getOps<rnn::ModuleOp>());
    for (rnn::ModuleOp module : modules) {
      b.setInsertionPoint(module);
      ModuleInfo info(module);
      if (failed(convert(b, info, real)))
        return signalPassFailure();
      manifest.push_back(describeModule(info, real));
      module.erase();
    }
    if (modules.empty())
      return;
    llvm::json::Value whole =
        llvm::json::Object{{"precision", precision.getValue()},
                           {"modules", std::move(manifest)}};
    std::string text;
    llvm::raw_string_ostream(text) << whole;
    top->setAttr("rnnc.manifest", b.getStringAttr(text));
  }

  LogicalResult convert(OpBuilder &b, const ModuleInfo &info, FloatType real) {
    llvm::StringSet<> exported = wantedFunctions(info.module);
    auto wanted = [&](ArrayRef<StringRef> names) {
      bool named = llvm::any_of(
          names, [&](StringRef name) { return exported.contains(name); });
      return named || allFunctions || exported.empty();
    };
    FunctionMaker maker(b, info, real, hoist);
    return info.isModel() ? convertModel(maker, info, exported, wanted)
                          : convertLayer(maker, info, exported, wanted);
  }

  using WantedFn = llvm::function_ref<bool(ArrayRef<StringRef>)>;

  LogicalResult convertModel(FunctionMaker &maker, const ModuleInfo &info,
                             const llvm::StringSet<> &exported,
                             WantedFn wanted) {
    if (info.bpttCarry) {
      auto [loc, reason] = info.reasonAgainstCarry();
      if (!reason.empty())
        return emitError(loc, "`carry` is not possible here: ") << reason;
    }
    if (wanted({"grad", "train_step"}))
      if (failed(maker.makeObjective()) || failed(maker.makeGradient("grad")))
        return failure();
    if (wanted({"loss"}) && failed(maker.makeLoss()))
      return failure();
    if (wanted({"predict"})) {
      if (maker.canPredict()) {
        if (failed(maker.makePredict()))
          return failure();
      } else if (exported.contains("predict")) {
        return rnn::ModuleOp(info.module)
                   .emitError("`predict` is not possible: no output follows "
                              "from the inputs alone");
      }
    }
    return convertStep(maker, info, exported, wanted);
  }

  LogicalResult convertLayer(FunctionMaker &maker, const ModuleInfo &info,
                             const llvm::StringSet<> &exported,
                             WantedFn wanted) {
    if (wanted({"forward"}) && failed(maker.makeForward()))
      return failure();
    if (wanted({"vjp"}))
      if (failed(maker.makeObjective()) || failed(maker.makeGradient("vjp")))
        return failure();
    if (rnn::ModuleOp(info.module).getKind() != "cell")
      return success();
    return convertStep(maker, info, exported, wanted);
  }

  /// `sample` and `beam` are loops over the step.
  LogicalResult convertStep(FunctionMaker &maker, const ModuleInfo &info,
                            const llvm::StringSet<> &exported,
                            WantedFn wanted) {
    if (!wanted({"step", "sample", "beam"}))
      return success();
    auto [loc, reason] = info.reasonAgainstStep();
    if (reason.empty())
      return maker.makeStep();
    for (StringRef name : {"step", "sample", "beam"})
      if (exported.contains(name))
        return emitError(loc) << "[E404] `" << name
                              << "` is not possible for this module: "
                              << reason;
    return success();
  }
};

} // namespace
