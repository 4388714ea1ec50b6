// DifferentiableOpInterface.td: what an op must say to be differentiated.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_GRAD_DIFFERENTIABLEOPINTERFACE_TD
#define RNNC_DIALECT_GRAD_DIFFERENTIABLEOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::rnnc::grad";
  let description = [{
    The rules of differentiation of one op, reverse and forward. A rule is
    asked only when a result depends on a value that is differentiated and a
    cotangent (or tangent) reaches the op. What a rule builds has rules itself.
  }];
  let methods = [
    InterfaceMethod<[{
        Adds the op's contribution to the cotangents of its operands, given
        those of its results. Values of the forward computation are read
        through `state.value`.
      }],
      "::llvm::LogicalResult", "vjp",
      (ins "::mlir::OpBuilder &":$builder, "::rnnc::grad::ReverseState &":$state)>,
    InterfaceMethod<[{
        Sets the tangents of the op's results, given those of its operands.
        The builder stands behind the op.
      }],
      "::llvm::LogicalResult", "jvp",
      (ins "::mlir::OpBuilder &":$builder, "::rnnc::grad::ForwardState &":$state)>
  ];
}

#endif // RNNC_DIALECT_GRAD_DIFFERENTIABLEOPINTERFACE_TD
