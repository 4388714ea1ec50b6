// Tasks.h: work that is cut into tasks for the threads of a context.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_KERNELTOLOOPS_TASKS_H
#define RNNC_LIB_CONVERSION_KERNELTOLOOPS_TASKS_H

#include "Lowering.h"

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace rnnc {

/// The data of tasks: values, a 64-bit word each, on the stack.
class TaskData {
public:
  TaskData(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  /// Room for `words` values.
  mlir::Value allocate(int64_t words);
  void store(mlir::Value data, mlir::ValueRange values);
  /// Value number `i`, of the type that was stored.
  mlir::Value load(mlir::Value data, unsigned i, mlir::Type type);

private:
  mlir::Value address(mlir::Value data, unsigned i);

  mlir::OpBuilder &b;
  mlir::Location loc;
};

/// Calls task(data, i) for every i in [0, count) on the threads of `context`.
/// `work` is what they take in all, in vector operations.
void callTasks(mlir::OpBuilder &b, mlir::Location loc, mlir::Value context,
               mlir::Value count, mlir::func::FuncOp task, mlir::Value data,
               mlir::Value work);

/// Calls part(data, from, to) for parts of [0, trips), `most` at most, on the
/// threads of `context`.
void cutIntoTasks(mlir::OpBuilder &b, mlir::Location loc, mlir::Value context,
                  mlir::Value trips, mlir::Value most, mlir::func::FuncOp part,
                  mlir::Value data, mlir::Value work);

/// Cuts every kernel whose outermost loop has independent trips; its callers
/// pass their context.
void cutKernelsIntoTasks(mlir::ModuleOp module);

/// Lowers what may run side by side: calls of parts, each a task where the team
/// has few members, else one after the other.
void lowerBeside(mlir::ModuleOp module, kernel::TargetAttr target);

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOLOOPS_TASKS_H
