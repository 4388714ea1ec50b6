// ExpandMath.cpp: the pass that replaces elementary functions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Conversion/ExpandMath/ExpandMath.h"

#include "MathEmitter.h"

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_KERNELEXPANDMATH
#include "rnnc/Conversion/ExpandMath/Passes.h.inc"

namespace {

/// The value that replaces `op`, or nothing if the op stays.
Value expand(Operation *op, MathEmitter &e) {
  Value x = op->getNumOperands() ? op->getOperand(0) : Value();
  // The scan dialect's own scalar functions are known by name: this pass
  // needs nothing else of that dialect.
  StringRef name = op->getName().getStringRef();
  if (name == "scan.sigmoid")
    return e.sigmoid(x);
  if (name == "scan.softplus")
    return e.softplus(x);
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<math::ExpOp>([&](auto) { return e.exp(x); })
      .Case<math::TanhOp>([&](auto) { return e.tanh(x); })
      .Case<math::LogOp>([&](auto) { return e.log(x); })
      .Case<math::Log1pOp>([&](auto) { return e.log1p(x); })
      .Case<math::ErfOp>([&](auto) { return e.erf(x); })
      .Case<math::SinOp>([&](auto) { return e.sin(x); })
      .Case<math::CosOp>([&](auto) { return e.cos(x); })
      .Case<math::RsqrtOp>([&](auto) { return e.div(e.c(1), e.sqrt(x)); })
      .Case<math::PowFOp>([&](auto) { return e.pow(x, op->getOperand(1)); })
      .Default([](Operation *) { return Value(); });
}

/// A product of two results of tanh or the logistic function needs one
/// division, and with 1 / d as a factor no multiplication. Numerators are at
/// most 1 and denominators at least: where a product of two is infinite the
/// result is too small for a normal number.
class QuotientFusion {
public:
  void note(Value result) {
    if (auto quotient = result.getDefiningOp<arith::DivFOp>())
      quotients.insert(quotient);
  }

  void run() {
    while (!quotients.empty()) {
      auto quotient = cast<arith::DivFOp>(quotients.pop_back_val());
      auto product = userOf(quotient);
      if (!product)
        continue;
      Value other =
          product.getLhs() == quotient ? product.getRhs() : product.getLhs();
      auto second = other.getDefiningOp<arith::DivFOp>();
      bool both = second && quotients.contains(second) && userOf(second);
      if (!both && !matchPattern(quotient.getLhs(), m_OneFloat()))
        continue;
      OpBuilder b(product);
      Location loc = product.getLoc();
      Value above = both ? second.getLhs() : other;
      above = b.createOrFold<arith::MulFOp>(loc, quotient.getLhs(), above);
      Value below = quotient.getRhs();
      if (both)
        below = arith::MulFOp::create(b, loc, below, second.getRhs());
      product.replaceAllUsesWith(
          arith::DivFOp::create(b, loc, above, below).getResult());
      product.erase();
      quotient.erase();
      if (!both)
        continue;
      quotients.remove(second);
      second.erase();
    }
  }

private:
  /// The product that alone needs the quotient.
  static arith::MulFOp userOf(arith::DivFOp quotient) {
    return quotient->hasOneUse()
               ? dyn_cast<arith::MulFOp>(*quotient->user_begin())
               : arith::MulFOp();
  }

  SetVector<Operation *> quotients;
};

/// The host of a GPU is any processor.
bool isOnHost(Operation *op) {
  for (Operation *up = op->getParentOp(); up; up = up->getParentOp())
    if (up->getName().getStringRef() == "gpu.module")
      return false;
  return true;
}

struct KernelExpandMath : public impl::KernelExpandMathBase<KernelExpandMath> {
  using Base::Base;

  void runOnOperation() override {
    bool hasFma = fma, isForGPU = false;
    auto module = dyn_cast<ModuleOp>(getOperation());
    if (!module)
      module = getOperation()->getParentOfType<ModuleOp>();
    if (auto target =
            module ? module->getAttrOfType<kernel::TargetAttr>(kernel::kTarget)
                   : kernel::TargetAttr())
      hasFma = target.getFma(), isForGPU = bool(target.getGpu());
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (op->getNumResults() != 1)
        return;
      Type type = op->getResult(0).getType();
      Type element = getElementTypeOrSelf(type);
      if ((isa<VectorType>(type) || type == element) &&
          (element.isF32() || element.isF64()))
        ops.push_back(op);
    });
    QuotientFusion quotients;
    for (Operation *op : ops) {
      OpBuilder b(op);
      MathEmitter e(b, op->getLoc(), op->getResult(0).getType(),
                    hasFma && !(isForGPU && isOnHost(op)), fastMath);
      if (Value v = expand(op, e)) {
        if (isa<math::TanhOp>(op) ||
            op->getName().getStringRef() == "scan.sigmoid")
          quotients.note(v);
        op->replaceAllUsesWith(ValueRange{v});
        op->erase();
      }
    }
    quotients.run();
  }
};

} // namespace
} // namespace rnnc
