// RNNBase.td - the rnn dialect, its axis attribute and its types.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DIALECT_RNN_RNNBASE_TD
#define RNNC_DIALECT_RNN_RNNBASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def RNN_Dialect : Dialect {
  let name = "rnn";
  let cppNamespace = "::rnnc::rnn";
  let summary = "What a recurrent program says: one example, named axes, no batch.";
  let description = [{
    One `rnn.module` holds a model, or an exported layer or cell, with all
    instances inlined. Values have named axes; two axes are the same only if
    their names (normalised polynomials such as `2*H`) and sizes are. Batch and
    memory do not exist here; the length of a time axis is known when running.
  }];
  let hasConstantMaterializer = 1;
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
}

//===----------------------------------------------------------------------===//
// Enumerations
//===----------------------------------------------------------------------===//

class RNN_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::rnnc::rnn";
  let genSpecializedAttr = 0;
}
class RNN_EnumAttr<EnumAttrInfo info, string mnemonic>
    : EnumAttr<RNN_Dialect, info, mnemonic> {
  let assemblyFormat = "$value";
}

def RNN_ValueKind : RNN_Enum<"ValueKind", "what the elements of a value are", [
  I32EnumAttrCase<"Real", 0, "real">, I32EnumAttrCase<"Index", 1, "index">,
  I32EnumAttrCase<"Int", 2, "int">, I32EnumAttrCase<"Bit", 3, "bit">]>;

def RNN_DistKind : RNN_Enum<"DistKind", "a distribution", [
  I32EnumAttrCase<"Categorical", 0, "categorical">,
  I32EnumAttrCase<"Bernoulli", 1, "bernoulli">,
  I32EnumAttrCase<"Normal", 2, "normal">,
  I32EnumAttrCase<"Laplace", 3, "laplace">,
  I32EnumAttrCase<"Unfold", 4, "unfold">,
  I32EnumAttrCase<"Law", 5, "law">]>;

def RNN_UnaryKind : RNN_Enum<"UnaryKind", "an elementwise function of one value", [
  I32EnumAttrCase<"Neg", 0, "neg">, I32EnumAttrCase<"Exp", 1, "exp">,
  I32EnumAttrCase<"Log", 2, "log">, I32EnumAttrCase<"Sqrt", 3, "sqrt">,
  I32EnumAttrCase<"Abs", 4, "abs">, I32EnumAttrCase<"Sigmoid", 5, "sigmoid">,
  I32EnumAttrCase<"Tanh", 6, "tanh">, I32EnumAttrCase<"Relu", 7, "relu">,
  I32EnumAttrCase<"Softplus", 8, "softplus">, I32EnumAttrCase<"Sin", 9, "sin">,
  I32EnumAttrCase<"Cos", 10, "cos">, I32EnumAttrCase<"Erf", 11, "erf">,
  I32EnumAttrCase<"Gelu", 12, "gelu">, I32EnumAttrCase<"Floor", 13, "floor">,
  I32EnumAttrCase<"Ceil", 14, "ceil">, I32EnumAttrCase<"Round", 15, "round">,
  I32EnumAttrCase<"Sign", 16, "sign">]>;
def RNN_UnaryKindAttr : RNN_EnumAttr<RNN_UnaryKind, "unary_kind">;

def RNN_BinaryKind : RNN_Enum<"BinaryKind", "an elementwise function of two values", [
  I32EnumAttrCase<"Add", 0, "add">, I32EnumAttrCase<"Sub", 1, "sub">,
  I32EnumAttrCase<"Mul", 2, "mul">, I32EnumAttrCase<"Div", 3, "div">,
  I32EnumAttrCase<"Min", 4, "min">, I32EnumAttrCase<"Max", 5, "max">,
  I32EnumAttrCase<"Pow", 6, "pow">, I32EnumAttrCase<"Mod", 7, "mod">]>;
def RNN_BinaryKindAttr : RNN_EnumAttr<RNN_BinaryKind, "binary_kind">;

def RNN_CompareKind : RNN_Enum<"CompareKind", "a comparison", [
  I32EnumAttrCase<"Lt", 0, "lt">, I32EnumAttrCase<"Gt", 1, "gt">,
  I32EnumAttrCase<"Le", 2, "le">, I32EnumAttrCase<"Ge", 3, "ge">,
  I32EnumAttrCase<"Eq", 4, "eq">, I32EnumAttrCase<"Ne", 5, "ne">]>;
def RNN_CompareKindAttr : RNN_EnumAttr<RNN_CompareKind, "compare_kind">;

def RNN_NoiseKind : RNN_Enum<"NoiseKind", "what noise is drawn from", [
  I32EnumAttrCase<"Normal", 0, "normal">, I32EnumAttrCase<"Uniform", 1, "uniform">]>;
def RNN_NoiseKindAttr : RNN_EnumAttr<RNN_NoiseKind, "noise_kind">;

def RNN_LogicKind : RNN_Enum<"LogicKind", "how two conditions are joined", [
  I32EnumAttrCase<"And", 0, "and">, I32EnumAttrCase<"Or", 1, "or">]>;
def RNN_LogicKindAttr : RNN_EnumAttr<RNN_LogicKind, "logic_kind">;

def RNN_ReduceKind : RNN_Enum<"ReduceKind", "a function along the last axis", [
  I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Mean", 1, "mean">,
  I32EnumAttrCase<"Softmax", 2, "softmax">,
  I32EnumAttrCase<"LogSumExp", 3, "logsumexp">,
  I32EnumAttrCase<"LayerNorm", 4, "layer_norm">]>;
def RNN_ReduceKindAttr : RNN_EnumAttr<RNN_ReduceKind, "reduce_kind">;

def RNN_SequenceKind : RNN_Enum<"SequenceKind", "a function along the first axis", [
  I32EnumAttrCase<"First", 0, "first">, I32EnumAttrCase<"Last", 1, "last">,
  I32EnumAttrCase<"Reverse", 2, "reverse">, I32EnumAttrCase<"Shift", 3, "shift">,
  I32EnumAttrCase<"CumSum", 4, "cumsum">]>;
def RNN_SequenceKindAttr : RNN_EnumAttr<RNN_SequenceKind, "sequence_kind">;

def RNN_BindKind : RNN_Enum<"BindKind", "what a binder makes of its bodies", [
  I32EnumAttrCase<"For", 0, "for">, I32EnumAttrCase<"Sum", 1, "sum">,
  I32EnumAttrCase<"Mean", 2, "mean">, I32EnumAttrCase<"Max", 3, "max">,
  I32EnumAttrCase<"Min", 4, "min">, I32EnumAttrCase<"Prod", 5, "prod">,
  I32EnumAttrCase<"Softmax", 6, "softmax">,
  I32EnumAttrCase<"LogSumExp", 7, "logsumexp">,
  I32EnumAttrCase<"ArgMax", 8, "argmax">]>;
def RNN_BindKindAttr : RNN_EnumAttr<RNN_BindKind, "bind_kind">;

def RNN_DistKindAttr : RNN_EnumAttr<RNN_DistKind, "dist_kind">;

//===----------------------------------------------------------------------===//
// Attributes and types
//===----------------------------------------------------------------------===//

def RNN_AxisAttr : AttrDef<RNN_Dialect, "Axis"> {
  let mnemonic = "axis";
  let summary = "A named axis: `#rnn.axis<\"H\" : 512>`, `#rnn.axis<\"T\">`";
  let description = [{
    The name is the normal form of the size in the source. A time axis has no
    size here: its length is known when running, one for each example.
  }];
  let parameters = (ins StringRefParameter<"normal form of the size">:$name,
                        "int64_t":$size);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The size of a time axis.
    static constexpr int64_t timeSize = -1;

    static AxisAttr time(::mlir::MLIRContext *context, ::llvm::StringRef name) {
      return get(context, name, timeSize);
    }
    bool isTime() const { return getSize() == timeSize; }

    /// `"H" : 512`, the form used inside types.
    static ::mlir::FailureOr<AxisAttr> parseShort(::mlir::AsmParser &parser);
    void printShort(::mlir::AsmPrinter &printer) const;
  }];
}

def RNN_ValueType : TypeDef<RNN_Dialect, "Value"> {
  let mnemonic = "value";
  let summary = "Numbers, indices or bits along named axes";
  let description = [{
    `!rnn.value<["T", "H" : 512] real>`, `!rnn.value<["T"] index "V" : 96>`,
    `!rnn.value<[] bit>`. An index belongs to an axis.
  }];
  let parameters = (ins ArrayRefParameter<"AxisAttr">:$axes, "ValueKind":$kind,
                        "AxisAttr":$indexAxis);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static ValueType real(::mlir::MLIRContext *context,
                          ::llvm::ArrayRef<AxisAttr> axes = {}) {
      return get(context, axes, ValueKind::Real, AxisAttr());
    }
    bool isReal() const { return getKind() == ValueKind::Real; }
    bool isIndex() const { return getKind() == ValueKind::Index; }
    int64_t getRank() const { return getAxes().size(); }
    /// The same elements along other axes.
    ValueType withAxes(::llvm::ArrayRef<AxisAttr> axes) const {
      return get(getContext(), axes, getKind(), getIndexAxis());
    }
    /// The same axes with real numbers, or with bits.
    ValueType withKind(ValueKind kind) const {
      return get(getContext(), getAxes(), kind, AxisAttr());
    }
    /// Drops the first axis, or adds one in front.
    ValueType dropFront() const { return withAxes(getAxes().drop_front()); }
    ValueType pushFront(AxisAttr axis) const;
    bool hasTimeAxis() const;
  }];
}

def RNN_DistType : TypeDef<RNN_Dialect, "Dist"> {
  let mnemonic = "dist";
  let summary = "A distribution over values: `!rnn.dist<categorical, !rnn.value<[] index \"V\" : 96>>`";
  let parameters = (ins "DistKind":$kind, "ValueType":$value);
  let assemblyFormat = "`<` $kind `,` $value `>`";
}

#endif // RNNC_DIALECT_RNN_RNNBASE_TD
