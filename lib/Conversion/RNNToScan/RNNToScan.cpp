// RNNToScan.cpp: the pass that gives a program its batch.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Conversion/RNNToScan/RNNToScan.h"

#include "Functions.h"

#include "mlir/IR/BuiltinOps.h"
#include "rnnc/Dialect/Grad/Grad.h"
#include "rnnc/Dialect/Grad/Update.h"
#include "llvm/ADT/StringSet.h"

#include <limits>

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

/// The function that applies a gradient, on arenas laid out as the manifest
/// says.
LogicalResult makeUpdate(OpBuilder &b, const ModuleInfo &info, FloatType real) {
  rnn::ModuleOp module = info.module;
  auto [offsets, bytes] = layOutParameters(info, real);
  int64_t width = real.getWidth() / 8;
  SmallVector<grad::ParameterPlace> places;
  for (auto [param, offset] : llvm::zip_equal(info.params, offsets)) {
    rnn::ParamOp op = param;
    SmallVector<int64_t> shape;
    SmallVector<bool> labelled;
    grad::ParameterPlace place;
    place.offset = offset / width;
    place.size = 1;
    for (rnn::AxisAttr axis : op.getType().getAxes()) {
      shape.push_back(axis.getSize());
      labelled.push_back(module.getAxes().contains(axis.getName()));
      place.size *= axis.getSize();
    }
    place.unit = grad::unitSize(shape, labelled);
    place.trainable = !op.getFrozen();
    auto rates = module.getTrain().getAs<DictionaryAttr>("rates");
    if (auto rate = rates ? rates.getAs<FloatAttr>(op.getName()) : FloatAttr())
      place.rate = rate.getValueAsDouble();
    auto lazy = module.getTrain().getAs<ArrayAttr>("lazy");
    place.lazy = lazy && llvm::is_contained(lazy, op.getNameAttr());
    places.push_back(place);
  }
  return grad::buildUpdateFunction(b, module.getLoc(), module.getSymName(),
                                   module.getTrain(), places, bytes / width,
                                   real);
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
    if (!clipGradients)
      top.walk([](rnn::ClipGradOp op) {
        op.setLimit(llvm::APFloat(std::numeric_limits<double>::infinity()));
      });
    FloatType real = precision == "f64" ? FloatType(b.getF64Type())
                                        : FloatType(b.getF32Type());
    SmallVector<Attribute> described;
    SmallVector<rnn::ModuleOp> modules(top.getOps<rnn::ModuleOp>());
    for (rnn::ModuleOp module : modules) {
      b.setInsertionPoint(module);
      ModuleInfo info(module);
      auto refuse = [](Operation *op, const std::string &message) {
        op->emitError("[E139] ") << message;
      };
      if (!info.nesting.check(module, refuse) || failed(checkIndices(info)) ||
          failed(convert(b, info, real)))
        return signalPassFailure();
      described.push_back(describeModule(info, real));
      module.erase();
    }
    if (modules.empty())
      return;
    top->setAttr(interface::kInterface,
                 interface::InterfaceAttr::get(&getContext(),
                                               b.getStringAttr(precision),
                                               b.getArrayAttr(described)));
  }

  /// What comes from outside cannot be an index into an axis whose length is
  /// that of some element.
  LogicalResult checkIndices(const ModuleInfo &info) {
    for (Operation &op : info.module->getRegion(0).front()) {
      if (!isa<rnn::InputOp, rnn::OutputOp>(op))
        continue;
      auto type = cast<rnn::ValueType>(op.getResult(0).getType());
      if (!type.isIndex() || !type.getIndexAxis().isTime() ||
          info.nesting.around(type.getIndexAxis()).empty())
        continue;
      return op.emitError("[E139] an index into `")
             << type.getIndexAxis().getName()
             << "`, which has a length of its own for each element of `"
             << info.nesting.around(type.getIndexAxis()).back().getName()
             << "`, cannot be given";
    }
    return success();
  }

  LogicalResult convert(OpBuilder &b, const ModuleInfo &info, FloatType real) {
    llvm::StringSet<> exported = wantedFunctions(info.module);
    auto wanted = [&](ArrayRef<StringRef> names) {
      bool named = llvm::any_of(
          names, [&](StringRef name) { return exported.contains(name); });
      return named || allFunctions || exported.empty();
    };
    FunctionMaker maker(b, info, real, hoist);
    return info.isModel() ? convertModel(b, real, maker, info, exported, wanted)
                          : convertLayer(maker, info, exported, wanted);
  }

  using WantedFn = llvm::function_ref<bool(ArrayRef<StringRef>)>;

  LogicalResult convertModel(OpBuilder &b, FloatType real, FunctionMaker &maker,
                             const ModuleInfo &info,
                             const llvm::StringSet<> &exported,
                             WantedFn wanted) {
    if (info.bpttCarry) {
      auto [loc, reason] = info.reasonAgainstCarry();
      if (!reason.empty())
        return emitError(loc, "[E423] `carry` is not possible here: ")
               << reason;
    }
    // The second derivative costs much code: only who names it gets it.
    bool second = exported.contains("hvp");
    bool first = wanted({"grad", "train_step"});
    if (first || second)
      if (failed(maker.makeObjective()) ||
          failed(maker.makeGradient("grad", /*isPrivate=*/!first)))
        return failure();
    if (second && failed(maker.makeHvp()))
      return failure();
    if (exported.contains("attention") || (attention && maker.hasAttention()))
      if (failed(maker.makeAttention()))
        return failure();
    if (exported.contains("state_grad") || stateGradients)
      if (failed(maker.makeStateGradient()))
        return failure();
    if (wanted({"train_step"}) && failed(makeUpdate(b, info, real)))
      return failure();
    if (wanted({"loss"}) && failed(maker.makeLoss(lossTerms)))
      return failure();
    bool feedsBack = llvm::any_of(info.observes, [&](rnn::ObserveOp observe) {
      return info.isUnfold(observe);
    });
    if (!feedsBack && exported.contains("sample") &&
        failed(checkDrawEach(maker, info)))
      return failure();
    bool drawsOwn = !feedsBack && wanted({"sample"}) && hasOwn(info) &&
                    reasonAgainstDraws(info).second.empty() &&
                    maker.canSample();
    if (drawsOwn && failed(maker.makeSample()))
      return failure();
    if (wanted({"predict"}) ||
        (!feedsBack && wanted({"sample"}) && !hasOwn(info))) {
      if (maker.canPredict()) {
        if (failed(maker.makePredict()))
          return failure();
      } else if (exported.contains("predict") && !info.drawsFromInputs) {
        return rnn::ModuleOp(info.module)
            .emitError("[E404] `predict` is not possible for this "
                       "module: no output follows from the inputs "
                       "alone");
      }
    }
    if (wanted({"predict_chunk"}) &&
        failed(convertChunk(maker, info, exported)))
      return failure();
    bool searchesOwn = !info.results.empty();
    if (searchesOwn && failed(makeFound(maker, info)))
      return failure();
    if (exported.contains("beam") && !searchesOwn && failed(checkBeam(info)))
      return failure();
    if (exported.contains("begin") && !info.drawsFromInputs)
      return rnn::ModuleOp(info.module)
          .emitError("[E404] `begin` is not possible for this module: no "
                     "sequence that it draws depends on inputs");
    if (info.drawsFromInputs)
      return convertDraws(maker, info, exported, wanted);
    if (failed(checkPaths(info)))
      return failure();
    if (!feedsBack && !wanted({"step", "beam"}))
      return success();
    // A search goes its own way through the steps of a language model.
    if (exported.contains("beam") && !searchesOwn &&
        failed(convertDraws(maker, info, exported, wanted)))
      return failure();
    return convertStep(maker, info, exported, wanted);
  }

  /// Whether a distribution that is written in the language is drawn from.
  static bool hasOwn(const ModuleInfo &info) {
    return llvm::any_of(info.observes, [](rnn::ObserveOp observe) {
      return bool(observe.getDist().getDefiningOp<rnn::LawOp>());
    });
  }

  /// The output that cannot be drawn, and why; an empty reason if all can.
  static std::pair<rnn::ObserveOp, std::string>
  reasonAgainstDraws(const ModuleInfo &info) {
    for (rnn::ObserveOp op : info.observes) {
      rnn::ObserveOp observe = op;
      auto type = cast<rnn::ValueType>(observe.getData().getType());
      auto law = observe.getDist().getDefiningOp<rnn::LawOp>();
      if (law && law.getSample().empty())
        return {observe, "is of `" + law.getName().str() +
                             "`, which has no line `sample = ...` for one of "
                             "its draws"};
      if (!law && llvm::count_if(type.getAxes(), [](rnn::AxisAttr axis) {
                    return axis.isTime();
                  }) > 2)
        return {observe, "has more than two time axes"};
    }
    return {};
  }

  /// Outputs that are not fed back are drawn from what `predict` gives, those
  /// of a distribution of one's own as its line `sample` says.
  LogicalResult checkDrawEach(FunctionMaker &maker, const ModuleInfo &info) {
    auto [observe, reason] = reasonAgainstDraws(info);
    if (!reason.empty())
      return observe.emitError("[E404] `sample` is not possible for this "
                               "module: `")
             << observe.getName() << "` " << reason;
    if (!info.observes.empty() && maker.canSample())
      return success();
    return rnn::ModuleOp(info.module)
        .emitError("[E404] `sample` is not possible for this module: no "
                   "output follows from the inputs alone");
  }

  /// Where nothing is given to an example, its rows are paths as they are.
  LogicalResult checkPaths(const ModuleInfo &info) {
    rnn::ModuleOp module = info.module;
    for (auto entry : module.getExports().getAsRange<DictionaryAttr>()) {
      auto defaults = entry.getAs<DictionaryAttr>("defaults");
      if (defaults && defaults.contains("paths"))
        return module.emitError(
            "[E404] `sample(paths = n)` is not possible for this module: no "
            "sequence that it draws depends on inputs, so that each row of the "
            "batch is a path");
    }
    return success();
  }

  LogicalResult makeFound(FunctionMaker &maker, const ModuleInfo &info) {
    rnn::ModuleOp module = info.module;
    SmallVector<Value> values;
    for (rnn::ResultOp result : info.results)
      values.push_back(result.getValue());
    std::string time = info.unknownTime(values).str();
    if (!time.empty())
      return module.emitError("[E404] `beam` is not possible for this module: "
                              "nothing says how long `")
             << time << "` is";
    if (info.unfolding)
      return module.emitError("[E404] `beam` is not possible for this module: "
                              "one output is unfolded, another is searched by "
                              "its distribution");
    return maker.makeFound();
  }

  LogicalResult checkBeam(const ModuleInfo &info) {
    rnn::ModuleOp module = info.module;
    if (!info.unfolding)
      return module.emitError("[E404] `beam` is not possible for this module: "
                              "there is not one `unfold` to search");
    rnn::UnfoldOp op = info.unfolding->op;
    auto element = cast<rnn::ValueType>(op.getPrevious().getType());
    if (element.getRank() || !element.isIndex() || info.unfolding->law())
      return op.emitError("[E404] `beam` is not possible for this module: a "
                          "step does not draw one index");
    return success();
  }

  /// `predict` and `sample` are loops over `next`.
  LogicalResult convertDraws(FunctionMaker &maker, const ModuleInfo &info,
                             const llvm::StringSet<> &exported,
                             WantedFn wanted) {
    bool predicts = !maker.canPredict() && wanted({"predict"});
    if (!predicts && !wanted({"begin", "step", "sample", "beam"}))
      return success();
    auto [loc, reason] = info.unfolding->reasonAgainst(info);
    if (reason.empty())
      return failure(failed(maker.makeBegin(*info.unfolding)) ||
                     failed(maker.makeNext(*info.unfolding)));
    for (StringRef name : {"begin", "step", "sample", "beam", "predict"})
      if (exported.contains(name))
        return emitError(loc)
               << "[E404] `" << name
               << "` is not possible for this module: " << reason;
    return success();
  }

  LogicalResult convertChunk(FunctionMaker &maker, const ModuleInfo &info,
                             const llvm::StringSet<> &exported) {
    auto [loc, reason] = info.reasonAgainstParts();
    if (reason.empty() && !maker.canPredict())
      reason = "no output follows from the inputs alone";
    if (reason.empty())
      return maker.makePredictChunk();
    if (!exported.contains("predict_chunk"))
      return success();
    return emitError(loc) << "[E404] `predict_chunk` is not possible for this "
                             "module: "
                          << reason;
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
    bool drawsEach = llvm::none_of(info.observes, [&](rnn::ObserveOp observe) {
      return info.isUnfold(observe);
    });
    for (StringRef name : {"step", "sample", "beam"})
      if (exported.contains(name) && (name == "step" || !drawsEach))
        return emitError(loc)
               << "[E404] `" << name
               << "` is not possible for this module: " << reason;
    return success();
  }
};

} // namespace
