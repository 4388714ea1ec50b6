// Beside.cpp: parts that do not need each other, as tasks or in turn.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Tasks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace rnnc {
namespace {

/// The calls that stand for the parts of one op: a task for each where the team
/// is small, else one after the other, with kernels that are cut.
class BesideLowering {
public:
  BesideLowering(kernel::BesideOp op, Value context, kernel::TargetAttr target)
      : op(op), context(context), target(target), b(op), loc(op.getLoc()),
        ptr(LLVM::LLVMPointerType::get(op.getContext())), i64(b.getI64Type()) {
    for (Region &part : op.getParts())
      calls.push_back(*part.getOps<func::CallOp>().begin());
  }

  void run();

private:
  Value constant(int64_t v) {
    return arith::ConstantIntOp::create(b, loc, i64, v);
  }
  Value compare(arith::CmpIPredicate is, Value x, int64_t y) {
    return arith::CmpIOp::create(b, loc, is, x, constant(y));
  }
  Value both(Value x, Value y) { return arith::AndIOp::create(b, loc, x, y); }
  func::FuncOp makeTask();
  void runAsTasks(Value terms);

  kernel::BesideOp op;
  Value context;
  kernel::TargetAttr target;
  OpBuilder b;
  Location loc;
  Type ptr, i64;
  SmallVector<func::CallOp> calls;
};

/// (data, i): part number i, on the thread that calls alone. `data` has the
/// arguments of all parts.
func::FuncOp BesideLowering::makeTask() {
  auto function = op->getParentOfType<func::FuncOp>();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(function);
  auto module = function->getParentOfType<ModuleOp>();
  std::string base = calls.front().getCallee().str() + ".task", name = base;
  for (unsigned i = 1; module.lookupSymbol(name); ++i)
    name = base + std::to_string(i);
  auto task =
      func::FuncOp::create(b, loc, name, b.getFunctionType({ptr, i64}, {}));
  task.setPrivate();
  b.setInsertionPointToStart(task.addEntryBlock());
  TaskData words(b, loc);
  Value nobody = LLVM::ZeroOp::create(b, loc, ptr);
  unsigned at = 0;
  for (auto [i, call] : llvm::enumerate(calls)) {
    Value is = compare(arith::CmpIPredicate::eq, task.getArgument(1), i);
    buildIf(
        b, loc, is,
        [&, &call = call] {
          SmallVector<Value> arguments;
          for (Value value : call.getOperands().drop_back())
            arguments.push_back(
                words.load(task.getArgument(0), at++, value.getType()));
          arguments.push_back(nobody);
          func::CallOp::create(b, loc, call.getCallee(), TypeRange(),
                               arguments);
        },
        [] {});
  }
  func::ReturnOp::create(b, loc);
  return task;
}

void BesideLowering::runAsTasks(Value terms) {
  SmallVector<Value> values;
  for (func::CallOp call : calls)
    llvm::append_range(values, call.getOperands().drop_back());
  Value data;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(
        &op->getParentOfType<func::FuncOp>().getBody().front());
    data = TaskData(b, loc).allocate(values.size());
  }
  TaskData(b, loc).store(data, values);
  Value work =
      arith::DivUIOp::create(b, loc, terms, constant(target.lanes(32)));
  callTasks(b, loc, context, constant(calls.size()), makeTask(), data, work);
}

void BesideLowering::run() {
  using enum arith::CmpIPredicate;
  kernel::ScheduleAttr schedule = kernel::scheduleOf(op);
  int64_t most = schedule.get(kernel::Decision::Beside);
  Value terms = arith::IndexCastOp::create(b, loc, i64, op.getTerms());
  Value members = LLVM::CallOp::create(
                      b, loc, membersFunction(op->getParentOfType<ModuleOp>()),
                      ValueRange{context})
                      .getResult();
  Value few = both(compare(sgt, members, 1), compare(sle, members, most));
  Value worth = compare(sge, terms, schedule.get(kernel::Decision::WorthTasks));
  Value rows = arith::IndexCastOp::create(b, loc, i64, op.getRows());
  worth =
      both(worth, compare(slt, rows, schedule.get(kernel::Decision::CutRows)));
  buildIf(
      b, loc, both(few, worth), [&] { runAsTasks(terms); },
      [&] {
        for (func::CallOp call : calls)
          b.clone(*call);
      });
  op.erase();
}

} // namespace

void lowerBeside(ModuleOp module, kernel::TargetAttr target) {
  SmallVector<kernel::BesideOp> all;
  module.walk([&](kernel::BesideOp op) { all.push_back(op); });
  for (kernel::BesideOp op : all) {
    Value context = contextOf(op);
    if (context && kernel::scheduleOf(op).get(kernel::Decision::Beside))
      BesideLowering(op, context, target).run();
    else
      inlineParts(op);
  }
}

} // namespace rnnc
