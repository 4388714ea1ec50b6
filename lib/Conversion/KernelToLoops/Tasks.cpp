// Tasks.cpp: work that is cut into tasks for the threads of a context.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Tasks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace rnnc {

Value TaskData::allocate(int64_t words) {
  Value count = arith::ConstantIntOp::create(b, loc, b.getI64Type(), words);
  return LLVM::AllocaOp::create(b, loc,
                                LLVM::LLVMPointerType::get(b.getContext()),
                                b.getI64Type(), count, /*alignment=*/8);
}

Value TaskData::address(Value data, unsigned i) {
  return LLVM::GEPOp::create(b, loc, data.getType(), b.getI64Type(), data,
                             ArrayRef<LLVM::GEPArg>{int32_t(i)});
}

void TaskData::store(Value data, ValueRange values) {
  for (auto [i, value] : llvm::enumerate(values)) {
    if (value.getType().isIndex())
      value = arith::IndexCastOp::create(b, loc, b.getI64Type(), value);
    else if (value.getType().isInteger(1))
      value = arith::ExtUIOp::create(b, loc, b.getI64Type(), value);
    LLVM::StoreOp::create(b, loc, value, address(data, i));
  }
}

Value TaskData::load(Value data, unsigned i, Type type) {
  Type i64 = b.getI64Type();
  bool word = type.isIndex() || type.isInteger(1);
  Value v = LLVM::LoadOp::create(b, loc, word ? i64 : type, address(data, i));
  if (type.isIndex())
    return arith::IndexCastOp::create(b, loc, type, v);
  if (word)
    return arith::TruncIOp::create(b, loc, type, v);
  return v;
}

static Value addressOf(OpBuilder &b, Location loc, StringRef name,
                       FunctionType type) {
  Value f = func::ConstantOp::create(b, loc, type, name);
  Type ptr = LLVM::LLVMPointerType::get(b.getContext());
  return UnrealizedConversionCastOp::create(b, loc, TypeRange{ptr},
                                            ValueRange{f})
      .getResult(0);
}

void callTasks(OpBuilder &b, Location loc, Value context, Value count,
               func::FuncOp task, Value data, Value work) {
  LLVM::CallOp::create(
      b, loc, parallelFor(task->getParentOfType<ModuleOp>()),
      ValueRange{context, count,
                 addressOf(b, loc, task.getName(), task.getFunctionType()),
                 data, work});
}

void cutIntoTasks(OpBuilder &b, Location loc, Value context, Value trips,
                  Value most, func::FuncOp part, Value data, Value work) {
  LLVM::CallOp::create(
      b, loc, cutLoop(part->getParentOfType<ModuleOp>()),
      ValueRange{context, trips, most,
                 addressOf(b, loc, part.getName(), part.getFunctionType()),
                 data, work});
}

namespace {

/// Cuts one kernel: it finds its arguments in memory and does the trips
/// [from, to) of its loop; `tasks` decides and takes the place of the kernel.
class KernelCutter {
public:
  KernelCutter(func::FuncOp kernel, ArrayRef<func::CallOp> calls)
      : kernel(kernel), calls(calls), loc(kernel.getLoc()), b(kernel),
        ptr(LLVM::LLVMPointerType::get(kernel.getContext())),
        i64(b.getI64Type()) {
    auto schedule =
        kernel->getParentOfType<ModuleOp>()
            ->getAttrOfType<kernel::ScheduleAttr>(kernel::kSchedule);
    functionOps = schedule.get(kernel::Decision::FunctionOps);
    callOps = schedule.get(kernel::Decision::CallOps);
  }

  /// Leaves a kernel alone that is no single loop with independent trips.
  void run();

private:
  bool findLoop();
  void findRows();
  void declareTasks();
  void makeTasks();
  void makePart();
  void takeArguments();
  Value costOf(Block &block);
  Value tripsOf(scf::ForOp inner);
  Value constant(int64_t v) {
    return arith::ConstantIntOp::create(b, loc, i64, v);
  }

  func::FuncOp kernel, tasks;
  ArrayRef<func::CallOp> calls;
  scf::ForOp loop;
  scf::ForOp rows;              ///< the other loop that may be cut, or null
  int64_t rowsFrom = 0;         ///< trips of it from which it is
  int64_t functionOps, callOps; ///< what they count as
  Location loc;
  OpBuilder b;
  Type ptr, i64;
  IRMapping bounds; ///< in `tasks`: what stands before the loop
};

/// Everything before the loop has to be free to do in each task. A loop without
/// loops inside that no phase made goes over examples or steps: too little to
/// do.
bool KernelCutter::findLoop() {
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    if (auto found = dyn_cast<scf::ForOp>(op);
        found && found->hasAttr(kIndependentTrips) && !loop)
      loop = found;
    else if (loop || !(isMemoryEffectFree(&op) ||
                       isa<memref::AllocaOp, memref::LoadOp>(op)))
      return false;
  }
  return loop && getConstantIntValue(loop.getLowerBound()) == 0 &&
         getConstantIntValue(loop.getStep()) &&
         (!loop.getOps<scf::ForOp>().empty() ||
          loop->hasAttr(kernel::kSchedule));
}

void KernelCutter::findRows() {
  for (auto inner : loop.getOps<scf::ForOp>())
    if (auto from = inner->getAttrOfType<IntegerAttr>(kCutFrom)) {
      rows = inner;
      rowsFrom = from.getInt();
    }
}

/// (context, arguments of the kernel).
void KernelCutter::declareTasks() {
  SmallVector<Type> types = {ptr};
  llvm::append_range(types, kernel.getArgumentTypes());
  OpBuilder at(kernel);
  tasks = func::FuncOp::create(at, loc, (kernel.getName() + ".tasks").str(),
                               b.getFunctionType(types, {}));
  tasks.setPrivate();
  tasks->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
  b.setInsertionPointToStart(tasks.addEntryBlock());
}

/// Trips of a loop inside, if they are known before the kernel's loop; else a
/// guess.
Value KernelCutter::tripsOf(scf::ForOp inner) {
  auto outside = [&](Value v) -> Value {
    // The steps of an example are those of the batch, at most.
    if (auto least = v.getDefiningOp<arith::MinSIOp>())
      v = least.getRhs();
    if (auto known = getConstantIntValue(v))
      return constant(*known);
    Value mapped = bounds.lookupOrNull(v);
    return mapped ? arith::IndexCastOp::create(b, loc, i64, mapped) : Value();
  };
  Value lb = outside(inner.getLowerBound()),
        ub = outside(inner.getUpperBound());
  Value step = outside(inner.getStep());
  if (!lb || !ub || !step)
    return constant(4);
  Value span = b.createOrFold<arith::SubIOp>(loc, ub, lb);
  return b.createOrFold<arith::CeilDivSIOp>(loc, span, step);
}

Value KernelCutter::costOf(Block &block) {
  int64_t own = 0;
  Value total;
  auto add = [&](Value v) {
    total = total ? b.createOrFold<arith::AddIOp>(loc, total, v) : v;
  };
  for (Operation &op : block) {
    if (auto inner = dyn_cast<scf::ForOp>(op)) {
      add(b.createOrFold<arith::MulIOp>(loc, tripsOf(inner),
                                        costOf(*inner.getBody())));
      continue;
    }
    for (Region &region : op.getRegions())
      for (Block &nested : region)
        add(costOf(nested));
    bool expands = isa_and_nonnull<math::MathDialect>(op.getDialect()) &&
                   !isa<math::FmaOp, math::AbsFOp, math::SqrtOp>(op);
    bool calls = isa<LLVM::CallOp>(op);
    if (auto cost = op.getAttrOfType<IntegerAttr>(kCallCost))
      own += cost.getInt();
    bool isFunction = expands || op.getName().getStringRef() == "scan.sigmoid";
    own += isFunction ? functionOps : calls ? callOps : 1;
  }
  add(constant(own));
  return total;
}

void KernelCutter::makeTasks() {
  Value context = tasks.getArgument(0);
  SmallVector<Value> args(tasks.getArguments().drop_front());
  TaskData words(b, loc);
  Value data = words.allocate(int64_t(args.size()));
  bounds.map(kernel.getArguments(), args);
  for (Operation &op : kernel.getBody().front()) {
    if (&op == loop)
      break;
    if (!isa<memref::AllocaOp>(op))
      b.clone(op, bounds);
  }
  // What a phase decided stands on its loop.
  kernel::ScheduleAttr schedule = kernel::scheduleOf(loop);
  Value trips = tripsOf(loop);
  Value work =
      b.createOrFold<arith::MulIOp>(loc, trips, costOf(*loop.getBody()));
  if (rows) {
    Value tiles = tripsOf(rows);
    Value byRows = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge,
                                         tiles, constant(rowsFrom));
    trips = arith::SelectOp::create(b, loc, byRows, tiles, trips);
  }
  Value small = arith::CmpIOp::create(
      b, loc, arith::CmpIPredicate::slt, work,
      constant(schedule.get(kernel::Decision::WorthTasks)));
  // Without a context there is nobody to help.
  Value alone = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, context,
                                     LLVM::ZeroOp::create(b, loc, ptr));
  small = arith::OrIOp::create(b, loc, small, alone);
  words.store(data, args);
  auto branch = scf::IfOp::create(b, loc, small, /*withElseRegion=*/true);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  func::CallOp::create(b, loc, kernel.getName(), TypeRange(),
                       ValueRange{data, constant(0), trips});
  b.setInsertionPoint(branch.elseBlock()->getTerminator());
  // What makePart makes of it.
  Value part = addressOf(b, loc, kernel.getName(),
                         b.getFunctionType({ptr, i64, i64}, {}));
  Value most = constant(schedule.get(kernel::Decision::Tasks));
  LLVM::CallOp::create(b, loc, cutLoop(kernel->getParentOfType<ModuleOp>()),
                       ValueRange{context, trips, most, part, data, work});
  b.setInsertionPointAfter(branch);
  func::ReturnOp::create(b, loc);
}

/// The kernel learns which trips it does, and of which loop.
void KernelCutter::makePart() {
  Block &entry = kernel.getBody().front();
  Value from = entry.addArgument(i64, loc), to = entry.addArgument(i64, loc);
  b.setInsertionPoint(loop);
  int64_t step = *getConstantIntValue(loop.getStep());
  auto scaled = [&](Value v) -> Value {
    Value i = arith::IndexCastOp::create(b, loc, b.getIndexType(), v);
    if (step == 1)
      return i;
    return arith::MulIOp::create(b, loc, i,
                                 arith::ConstantIndexOp::create(b, loc, step));
  };
  Value begin = scaled(from), end = scaled(to);
  if (step != 1)
    end = arith::MinSIOp::create(b, loc, end, loop.getUpperBound());
  if (rows) {
    auto index = [&](Value v) -> Value {
      return arith::IndexCastOp::create(b, loc, b.getIndexType(), v);
    };
    Value byRows = arith::CmpIOp::create(
        b, loc, arith::CmpIPredicate::sge, rows.getUpperBound(),
        arith::ConstantIndexOp::create(b, loc, rowsFrom));
    auto either = [&](Value x, Value y) -> Value {
      return arith::SelectOp::create(b, loc, byRows, x, y);
    };
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    rows.setLowerBound(either(index(from), zero));
    rows.setUpperBound(either(index(to), rows.getUpperBound()));
    begin = either(zero, begin);
    end = either(loop.getUpperBound(), end);
  }
  loop.setLowerBound(begin);
  loop.setUpperBound(end);
}

/// The arguments that were are found in memory, where `tasks` puts them.
void KernelCutter::takeArguments() {
  Block &entry = kernel.getBody().front();
  unsigned count = kernel.getNumArguments();
  Value data = entry.insertArgument(0u, ptr, loc);
  b.setInsertionPointToStart(&entry);
  TaskData words(b, loc);
  for (unsigned i = 0; i != count; ++i) {
    Value old = entry.getArgument(i + 1);
    old.replaceAllUsesWith(words.load(data, i, old.getType()));
  }
  entry.eraseArguments(1, count);
  kernel.setFunctionType(b.getFunctionType(entry.getArgumentTypes(), {}));
}

void KernelCutter::run() {
  if (!findLoop())
    return;
  findRows();
  declareTasks();
  makeTasks();
  makePart();
  takeArguments();
  for (func::CallOp call : calls) {
    OpBuilder at(call);
    Value context = contextOf(call);
    if (!context)
      context = LLVM::ZeroOp::create(at, loc, ptr);
    SmallVector<Value> args = {context};
    llvm::append_range(args, call.getOperands());
    func::CallOp::create(at, call.getLoc(), tasks, args);
    call.erase();
  }
}

} // namespace

void cutKernelsIntoTasks(ModuleOp module) {
  SmallVector<func::FuncOp> kernels;
  for (auto f : module.getOps<func::FuncOp>())
    if (f->hasAttr("rnnc.kernel"))
      kernels.push_back(f);
  llvm::StringMap<SmallVector<func::CallOp>> calls;
  module.walk(
      [&](func::CallOp call) { calls[call.getCallee()].push_back(call); });
  for (func::FuncOp kernel : kernels)
    KernelCutter(kernel, calls[kernel.getName()]).run();
}

} // namespace rnnc
