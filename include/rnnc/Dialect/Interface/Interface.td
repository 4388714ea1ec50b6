// Interface.td: what a function takes and gives, from the model to the library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_INTERFACE_TD
#define RNNC_DIALECT_INTERFACE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/DialectBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td" // for its documentation

def Interface_Dialect : Dialect {
  let name = "rnnc";
  let cppNamespace = "::rnnc::interface";
  let summary = "What models offer and what their functions take and give";
  let description = [{
    Attributes only. The conversion of the `rnn` dialect writes them, every
    pass that adds or moves an argument keeps them, and the library (its C
    functions, header, manifest and tables) is made of them:

    - `rnnc.interface` of the module says what the program is made of;
    - `rnnc.function` of a function says which function of which model it is,
      and the names of its dimensions;
    - `rnnc.slot` of an argument or a result says what it holds.

    No other dialect has words for this; upstream's `llvm.emit_c_interface`
    passes descriptors of memrefs, which a plain C header cannot name.

    ```mlir
    func.func @LM.loss(
        %w: tensor<8x8xf32> {rnnc.slot = #rnnc.slot<param "rnn.U", [8, 8]>},
        %t: tensor<?xi32> {rnnc.slot = #rnnc.slot<lengths "T", ["batch"] optional>},
        %x: tensor<?x?xi32> {rnnc.slot = #rnnc.slot<input "x", ["batch", "T"]>})
        -> (tensor<f32> {rnnc.slot = #rnnc.slot<loss "loss", []>})
        attributes {rnnc.function = #rnnc.function<"LM" "loss", ["batch", "T"]>}
    ```

    Marks that a pass leaves for the next one begin with `rnnc.` too:
    `rnnc.phase` (which phase a text is of), `rnnc.kernel` (a kernel that was
    taken out of its function), `rnnc.launches` (of code for GPUs) and what
    the lowering of loops notes on them.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
}

class RoleCase<string name, int value, string word>
    : I32EnumAttrCase<name, value, word>;

def Interface_Role : I32EnumAttr<"Role", "What an argument or a result holds", [
    RoleCase<"Param", 0, "param">,         // a parameter
    RoleCase<"Lengths", 1, "lengths">,     // steps of each example
    RoleCase<"Input", 2, "input">,         // data, given and observed
    RoleCase<"StateIn", 3, "state_in">,
    RoleCase<"Given", 4, "given">,         // whether a first state was given
    RoleCase<"Prev", 5, "prev">,           // the element before
    RoleCase<"Reset", 6, "reset">,         // rows that begin anew
    RoleCase<"Seed", 7, "seed">,
    RoleCase<"Cot", 8, "cot">,             // a cotangent
    RoleCase<"Prepared", 9, "prepared">,   // packed weights
    RoleCase<"Workspace", 10, "workspace">,
    RoleCase<"Loss", 11, "loss">,
    RoleCase<"Output", 12, "output">,
    RoleCase<"Probability", 13, "probability">,
    RoleCase<"StateOut", 14, "state_out">,
    RoleCase<"Grad", 15, "grad">,
    RoleCase<"Params", 16, "params">,      // all parameters, one arena
    RoleCase<"Grads", 17, "grads">,        // all gradients
    RoleCase<"Slot", 18, "slot">,          // of the optimiser
    RoleCase<"Scalars", 19, "scalars">,    // rate, number of the update
    RoleCase<"Norm", 20, "norm">,          // of the gradient
    RoleCase<"Finite", 21, "finite">,      // whether the gradient is
    RoleCase<"Kept", 22, "kept">,          // the same in all steps of a drawing
    RoleCase<"Steps", 23, "steps">,        // what those steps read, all of them,
    RoleCase<"Step", 24, "step">,          // and one
    RoleCase<"Start", 25, "start">,        // what the first step reads
    RoleCase<"Marks", 26, "marks">         // which rows of a gradient are written
  ]> {
  let cppNamespace = "::rnnc::interface";
  let genSpecializedAttr = 0;
}

class Interface_Attr<string name, string attrMnemonic>
    : AttrDef<Interface_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def Interface_SlotAttr : Interface_Attr<"Slot", "slot"> {
  let summary = "What an argument or a result holds";
  let description = [{
    Its role, its name as callers know it (empty for the workspace, which has
    none), and its sizes: a number where the type has one, else the name of a
    dimension of the function (`"batch"`, or the time axis). What is
    `optional` callers may leave out.

    ```mlir
    #rnnc.slot<input "x", ["batch", "T", 8]>
    #rnnc.slot<lengths "T", ["batch"] optional>
    #rnnc.slot<workspace "">
    ```
  }];
  let parameters = (ins EnumParameter<Interface_Role>:$role,
                        "::mlir::StringAttr":$name,
                        OptionalParameter<"::mlir::ArrayAttr">:$shape,
                        DefaultValuedParameter<"bool", "false">:$optional);
  let assemblyFormat = [{
    `<` $role $name (`,` $shape^)? `` custom<Optional>($optional) `>`
  }];
  let builders = [
    AttrBuilderWithInferredContext<(ins "::mlir::StringAttr":$name, "Role":$role,
        "::mlir::ArrayAttr":$shape, CArg<"bool", "false">:$optional), [{
      return $_get(name.getContext(), role, name, shape, optional);
    }]>
  ];
  let extraClassDeclaration = [{
    /// The name of a size; null where it is a number.
    ::mlir::StringAttr getSizeName(int64_t dim) const;
  }];
  let genVerifyDecl = 1;
}

def Interface_FunctionAttr : Interface_Attr<"Function", "function"> {
  let summary = "Which function of which model this is";
  let description = [{
    The model (empty for code that belongs to none), the function's name, the
    names of its dimensions in the order in which code takes their sizes, and
    on buffers the number of results: they are the last arguments before the
    workspace.

    ```mlir
    #rnnc.function<"LM" "loss", ["batch", "T"]>
    #rnnc.function<"LM" "loss", ["batch", "T"] results = 1>
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$module, "::mlir::StringAttr":$name,
                        OptionalParameter<"::mlir::ArrayAttr">:$dims,
                        DefaultValuedParameter<"int64_t", "0">:$results);
  let assemblyFormat = [{
    `<` $module $name (`,` $dims^)? (`results` `=` $results^)? `>`
  }];
  let extraClassDeclaration = [{
    /// Whether it computes gradients.
    bool isGradient() const;
    /// The place of a dimension among the function's; -1: it has none.
    int64_t numberOf(::mlir::StringAttr dim) const;
  }];
  let genVerifyDecl = 1;
}

def Interface_ParameterAttr : Interface_Attr<"Parameter", "parameter"> {
  let summary = "A parameter of a model and its place in the arena";
  let description = [{
    Its name by instance path, sizes and names of its axes, how its first
    value is made, and the byte at which it starts.

    ```mlir
    #rnnc.parameter<"rnn.U" [4, 8, 8] ["gate", "H", "H"] init = {kind = "orthogonal"} offset = 256>
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$name, "::mlir::ArrayAttr":$shape,
                        "::mlir::ArrayAttr":$axes, "::mlir::DictionaryAttr":$init,
                        DefaultValuedParameter<"bool", "false">:$frozen,
                        "int64_t":$offset);
  let assemblyFormat = [{
    `<` $name $shape $axes `init` `=` $init (`frozen` `=` $frozen^)?
    `offset` `=` $offset `>`
  }];
  let genVerifyDecl = 1;
}

def Interface_PortAttr : Interface_Attr<"Port", "port"> {
  let summary = "An input, an output or a state of a model";
  let description = [{
    Its kind (`real`, `index`, `int` or `bit`), the names and sizes of its
    axes (a time axis has its name for size), and of an index the axis that it
    belongs to. An output says how it is distributed, and of an `unfold` where
    it starts and stops.

    ```mlir
    #rnnc.port<"y" index ["T"] ["T"] in "K" 5 {distribution = "categorical"}>
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$name, "::mlir::StringAttr":$kind,
                        "::mlir::ArrayAttr":$axes, "::mlir::ArrayAttr":$shape,
                        OptionalParameter<"::mlir::StringAttr">:$axis,
                        OptionalParameter<"::mlir::Attribute">:$size,
                        OptionalParameter<"::mlir::DictionaryAttr">:$output);
  let assemblyFormat = [{
    `<` $name $kind $axes $shape (`in` $axis^ $size)? (`predicted` $output^)? `>`
  }];
  let genVerifyDecl = 1;
}

def Interface_ModuleAttr : Interface_Attr<"Module", "module"> {
  let summary = "A model, layer or cell that a library offers";
  let description = [{
    What it is made of. `settings` are those of its `train` block and what the
    tools want to know besides (axes with labels, time axes, slots of the
    optimiser); `exports` are the lines that name its functions.

    ```mlir
    #rnnc.module<"LM" "model" "lm", parameters = [...], inputs = [], outputs = [...], states = [...],
                 exports = [], settings = {...}>
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$name, "::mlir::StringAttr":$kind,
                        "::mlir::StringAttr":$source, "::mlir::ArrayAttr":$parameters,
                        "::mlir::ArrayAttr":$inputs, "::mlir::ArrayAttr":$outputs,
                        "::mlir::ArrayAttr":$states, "::mlir::ArrayAttr":$exports,
                        "::mlir::DictionaryAttr":$settings);
  let assemblyFormat = [{
    `<` $name $kind $source `,`
    struct($parameters, $inputs, $outputs, $states, $exports, $settings) `>`
  }];
  let genVerifyDecl = 1;
}

def Interface_InterfaceAttr : Interface_Attr<"Interface", "interface"> {
  let summary = "What a program offers";
  let description = [{
    Its precision, and its models.

    ```mlir
    module attributes {rnnc.interface = #rnnc.interface<"f32" [#rnnc.module<...>]>}
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$precision, "::mlir::ArrayAttr":$modules);
  let assemblyFormat = "`<` $precision $modules `>`";
  let genVerifyDecl = 1;
}

#endif // RNNC_DIALECT_INTERFACE_TD
