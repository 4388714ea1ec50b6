// ScheduleFile.h: decisions that a person, or a tuner, made.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_DIALECT_KERNEL_TRANSFORMS_SCHEDULEFILE_H
#define RNNC_LIB_DIALECT_KERNEL_TRANSFORMS_SCHEDULEFILE_H

#include "rnnc/Dialect/Kernel/Schedule.h"

#include <string>
#include <vector>

namespace rnnc::kernel {

/// The lines of a schedule file: `NAME[@TARGET]: DECISION = NUMBER, …`, `#`
/// begins a comment.
class ScheduleFile {
public:
  /// Reads `path`; faults are errors at their lines.
  mlir::LogicalResult read(mlir::MLIRContext *context, llvm::StringRef path);

  /// `schedule` of what is called `name` with what the file says of it.
  mlir::FailureOr<ScheduleAttr> apply(llvm::StringRef name, TargetAttr target,
                                      ScheduleAttr schedule);

  /// Whether every line was for something; the others are errors.
  mlir::LogicalResult checkUsed(llvm::ArrayRef<TargetAttr> targets);

private:
  struct Line {
    unsigned number;
    std::string name, target; ///< no target: all
    Decision decision;
    int64_t value;
    bool used = false;      ///< met what is called so
    bool nameKnown = false; ///< met it, for another target perhaps
  };

  mlir::InFlightDiagnostic error(unsigned line);
  mlir::LogicalResult readLine(unsigned number, llvm::StringRef text);

  mlir::MLIRContext *context = nullptr;
  std::string path;
  std::vector<Line> lines;
};

} // namespace rnnc::kernel

#endif // RNNC_LIB_DIALECT_KERNEL_TRANSFORMS_SCHEDULEFILE_H
