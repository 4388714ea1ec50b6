// Generate.cpp: requests for gradients become code.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Grad/DifferentiableOpInterface.h"
#include "rnnc/Dialect/Grad/State.h"
#include "rnnc/Dialect/Grad/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::grad;

namespace rnnc::grad {
#define GEN_PASS_DEF_GRADGENERATE
#include "rnnc/Dialect/Grad/Transforms/Passes.h.inc"
} // namespace rnnc::grad

namespace {
// A copy of the called function, in which the gradient is made before its code
// takes the request's place: its arguments are different values even where the
// request's are not.
class Copy {
public:
  explicit Copy(func::FuncOp callee) : function(callee.clone()) {}
  ~Copy() { function->erase(); }

  Block &getBody() { return function.getBody().front(); }

  SmallVector<Operation *> getOps() {
    SmallVector<Operation *> ops;
    for (Operation &op : getBody().without_terminator())
      ops.push_back(&op);
    return ops;
  }

  // Moves the code to the request, whose results become `results`.
  void replace(Operation *request, ValueRange arguments,
               ArrayRef<Value> results) {
    SmallVector<Value> values(results);
    for (auto [before, after] :
         llvm::zip_equal(getBody().getArguments(), arguments)) {
      before.replaceAllUsesWith(after);
      llvm::replace(values, Value(before), Value(after));
    }
    Operation *end = getBody().getTerminator();
    request->getBlock()->getOperations().splice(
        request->getIterator(), getBody().getOperations(), getBody().begin(),
        end->getIterator());
    request->replaceAllUsesWith(values);
    request->erase();
  }

private:
  func::FuncOp function;
};

// What does not change over time is computed before the loop and need not be
// kept for each step. A loop that is computed again keeps nothing.
void hoistInvariants(Block &block) {
  block.walk([](scan::LoopOp loop) {
    if (!loop.getRecompute())
      moveLoopInvariantCode(loop);
  });
}

// Numbers of one example.
int64_t numbersOfExample(Value value) {
  int64_t numbers = 1;
  for (int64_t size : cast<RankedTensorType>(value.getType()).getShape())
    numbers *= ShapedType::isDynamic(size) ? 1 : size;
  return numbers;
}

// The input repeated along the dynamic ones of the dimensions that the op adds
// only, and where the others stay in the op's result.
Value repeatForExamples(scan::BroadcastOp op, SmallVectorImpl<int64_t> &dims) {
  SmallVector<int64_t> shape, from;
  for (int64_t dim = 0; dim < op.getType().getRank(); ++dim) {
    bool isOld = llvm::is_contained(op.getDims(), dim);
    if (!isOld && !op.getType().isDynamicDim(dim))
      continue;
    if (isOld)
      from.push_back(dims.size());
    dims.push_back(dim);
    shape.push_back(op.getType().getDimSize(dim));
  }
  if (from.size() == dims.size())
    return op.getInput();
  OpBuilder builder(op);
  auto type = RankedTensorType::get(shape, op.getType().getElementType());
  return scan::BroadcastOp::create(builder, op.getLoc(), type, op.getInput(),
                                   op.getSizes(), from);
}

// What repeats numbers along fixed axes costs nothing in a step, and there its
// gradient is added up along these axes before it is added up over time: in a
// sum of one number for each example, not of as many as are read.
void repeatInLoops(Block &block) {
  SmallVector<scan::BroadcastOp> ops;
  block.walk([&](scan::BroadcastOp op) {
    if (!scan::getSplat(op.getInput()) &&
        numbersOfExample(op.getResult()) > numbersOfExample(op.getInput()))
      ops.push_back(op);
  });
  for (scan::BroadcastOp op : ops) {
    llvm::MapVector<Block *, SmallVector<OpOperand *>> uses;
    for (OpOperand &use : op->getUses())
      if (Block *other = use.getOwner()->getBlock();
          other != op->getBlock() && isa<scan::LoopOp>(other->getParentOp()))
        uses[other].push_back(&use);
    if (uses.empty())
      continue;
    SmallVector<int64_t> dims;
    Value input = repeatForExamples(op, dims);
    for (auto &[inside, operands] : uses) {
      auto builder = OpBuilder::atBlockBegin(inside);
      Value again = scan::BroadcastOp::create(
          builder, op.getLoc(), op.getType(), input, op.getSizes(), dims);
      for (OpOperand *use : operands)
        use->set(again);
    }
    if (op->use_empty())
      op.erase();
  }
}

LogicalResult expandVjp(VjpOp request, func::FuncOp callee, StringRef broken) {
  Copy copy(callee);
  Block &body = copy.getBody();
  hoistInvariants(body);
  repeatInLoops(body);
  unsigned numArguments = body.getNumArguments();
  SmallVector<Value> seeds;
  for (int64_t number : request.getWrt())
    seeds.push_back(body.getArgument(number));
  Activity activity;
  activity.analyze(body, seeds);

  Ranges ranges;
  ranges.analyze(body);

  ReverseState state(OpBuilder(body.getTerminator()), activity, ranges);
  state.brokenRule = broken;
  SmallVector<Operation *> ops = copy.getOps();
  for (auto [number, cotangent] :
       llvm::zip_equal(request.getOf(), request.getCotangents())) {
    Value argument = body.addArgument(cotangent.getType(), cotangent.getLoc());
    state.accumulate(body.getTerminator()->getOperand(number), argument);
  }
  if (failed(state.reverse(ops)))
    return failure();

  SmallVector<Value> results(body.getTerminator()->getOperands());
  for (int64_t number : request.getWrt()) {
    Value argument = body.getArgument(number);
    Value gradient = state.cotangent(argument);
    // Past an example's end a zero may have met a slope that is not finite.
    results.push_back(gradient ? state.maskRows(argument, gradient)
                               : state.zeros(argument));
  }
  SmallVector<Value> arguments(request.getArgs());
  assert(arguments.size() == numArguments && "checked by the verifier");
  (void)numArguments;
  llvm::append_range(arguments, request.getCotangents());
  copy.replace(request, arguments, results);
  return success();
}

LogicalResult expandJvp(JvpOp request, func::FuncOp callee, StringRef broken) {
  Copy copy(callee);
  Block &body = copy.getBody();
  SmallVector<Value> seeds;
  for (int64_t number : request.getWrt())
    seeds.push_back(body.getArgument(number));
  Activity activity;
  activity.analyze(body, seeds);

  ForwardState state(activity);
  state.brokenRule = broken;
  SmallVector<Operation *> ops = copy.getOps();
  for (auto [seed, tangent] : llvm::zip_equal(seeds, request.getTangents()))
    state.setTangent(seed,
                     body.addArgument(tangent.getType(), tangent.getLoc()));
  if (failed(state.run(ops)))
    return failure();

  Operation *end = body.getTerminator();
  OpBuilder builder(end);
  SmallVector<Value> results(end->getOperands());
  for (int64_t number : request.getOf()) {
    Value result = end->getOperand(number);
    Value tangent = state.tangent(result);
    results.push_back(
        tangent ? tangent
                : scan::splatLike(builder, request.getLoc(), result, 0));
  }
  SmallVector<Value> arguments(request.getArgs());
  llvm::append_range(arguments, request.getTangents());
  copy.replace(request, arguments, results);
  return success();
}

struct Generate : grad::impl::GradGenerateBase<Generate> {
  using Base::Base;

  // The request's function, if it holds no request itself any more.
  template <typename OpTy> func::FuncOp readyCallee(OpTy request) {
    auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
        request, request.getCalleeAttr());
    WalkResult found = callee.walk([](Operation *op) {
      return isa<VjpOp, JvpOp>(op) ? WalkResult::interrupt()
                                   : WalkResult::advance();
    });
    return found.wasInterrupted() ? func::FuncOp() : callee;
  }

  // Expands a request if it is its turn.
  template <typename OpTy>
  FailureOr<bool> expandIfReady(OpTy request,
                                LogicalResult (*expand)(OpTy, func::FuncOp,
                                                        StringRef)) {
    func::FuncOp callee = readyCallee(request);
    if (!callee)
      return false;
    if (failed(expand(request, callee, breakRule)))
      return failure();
    return true;
  }

  FailureOr<bool> expand(Operation *op) {
    if (auto request = dyn_cast<VjpOp>(op))
      return expandIfReady(request, expandVjp);
    return expandIfReady(cast<JvpOp>(op), expandJvp);
  }

  void runOnOperation() override {
    while (true) {
      SmallVector<Operation *> requests;
      getOperation().walk([&](Operation *op) {
        if (isa<VjpOp, JvpOp>(op))
          requests.push_back(op);
      });
      if (requests.empty())
        break;
      bool progress = false;
      for (Operation *request : requests) {
        FailureOr<bool> done = expand(request);
        if (failed(done))
          return signalPassFailure();
        progress |= *done;
      }
      if (progress)
        continue;
      requests.front()->emitError("a function asks for its own gradient");
      return signalPassFailure();
    }
    removeUnused();
  }

  void removeUnused() {
    SmallVector<func::FuncOp> unused;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPrivate() && !function.isExternal() &&
          SymbolTable::symbolKnownUseEmpty(function, getOperation()))
        unused.push_back(function);
    for (func::FuncOp function : unused)
      function.erase();
  }
};
} // namespace
