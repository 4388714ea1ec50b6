// KernelAttributes.td: what is known of a machine, and what was decided for it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_KERNEL_ATTRIBUTES_TD
#define RNNC_DIALECT_KERNEL_ATTRIBUTES_TD

include "mlir/IR/AttrTypeBase.td"

class Kernel_Attr<string name, string attrMnemonic>
    : AttrDef<Kernel_Dialect, name> {
  let mnemonic = attrMnemonic;
  let genMnemonicAlias = 1;
}

def Kernel_GPUAttr : Kernel_Attr<"GPU", "gpu"> {
  let summary = "What a graphics processor has beside vector registers";
  let description = [{
    Part of `#kernel.target`: the threads of a warp and, at most, of a block;
    streaming multiprocessors, and of each one the registers (32 bits); shared
    memory that a block has without asking, in bytes.

    ```mlir
    #kernel.gpu<warp = 32, block = 1024, processors = 108, registers = 65536, shared = 49152>
    ```
  }];
  let parameters = (ins "unsigned":$warp, "unsigned":$block,
                        "unsigned":$processors, "unsigned":$registers,
                        "unsigned":$shared);
  let assemblyFormat = [{
    `<` struct($warp, $block, $processors, $registers, $shared) `>`
  }];
  let genVerifyDecl = 1;
}

def Kernel_TargetAttr : Kernel_Attr<"Target", "target"> {
  let summary = "A kind of machine that code is made for";
  let description = [{
    What decisions depend on: the width and number of its vector registers,
    whether it has fused multiply-add, and its caches in bytes. A module names
    its targets in the list `kernel.targets`, and from the level of loops on
    the one that it is for, in `kernel.target`.

    `dots = 4` says that one instruction multiplies the four numbers of 8 bits of
    each word of a vector with those of another one, and adds them up; without it
    several do so. `half_dots = 2` says the same of the two bf16 of each word,
    whose products are added to an f32.

    A GPU has `gpu` too. Its vector registers are those of a warp, 32 bits a
    thread; there are so many for each thread at most.

    ```mlir
    #kernel.target<"v3", vector_bits = 256, registers = 16, fma = true, l1 = 32768, l2 = 1048576>
    #kernel.target<"sm_80", vector_bits = 1024, registers = 255, fma = true, l1 = 196608, l2 = 41943040,
                   gpu = <warp = 32, block = 1024, processors = 108, registers = 65536, shared = 49152>>
    ```
  }];
  let parameters = (ins StringRefParameter<"how -march and messages call it">:$name,
                        "unsigned":$vector_bits, "unsigned":$registers,
                        "bool":$fma, "int64_t":$l1, "int64_t":$l2,
                        OptionalParameter<"unsigned">:$dots,
                        OptionalParameter<"unsigned">:$half_dots,
                        OptionalParameter<"GPUAttr">:$gpu);
  let assemblyFormat = [{
    `<` $name `,`
    struct($vector_bits, $registers, $fma, $l1, $l2, $dots, $half_dots, $gpu)
    `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Elements of so many bits in a vector register.
    unsigned lanes(unsigned bits) const { return getVectorBits() / bits; }
  }];
}

def Kernel_ScheduleAttr : Kernel_Attr<"Schedule", "schedule"> {
  let summary = "What was decided for one op on one target";
  let description = [{
    A value for each decision that the op needs (see `Schedule.h` for all of
    them, with their ranges). Ops carry one of each target in the list
    `kernel.schedules`, and from the level of loops on the one of the module's
    target, in `kernel.schedule`. What has none goes by that of the module.

    ```mlir
    #kernel.schedule<"v3" tile_rows = 3, tile_vectors = 1, unroll = 4, chains = 8>
    ```
  }];
  let parameters = (ins StringRefParameter<"name of the target">:$target,
                        ArrayRefParameter<"int64_t", "by Decision; 0: none">:$values);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let builders = [AttrBuilder<(ins
      "::llvm::StringRef":$target,
      "::llvm::ArrayRef<std::pair<::rnnc::kernel::Decision, int64_t>>":$decided)>];
  let extraClassDeclaration = [{
    /// What was decided; 0 where this schedule does not say.
    int64_t get(Decision decision) const {
      return getValues()[unsigned(decision)];
    }
    /// The same with another value for one decision.
    ScheduleAttr with(Decision decision, int64_t value) const;
    /// The decisions among `kept` alone.
    ScheduleAttr only(::llvm::ArrayRef<Decision> kept) const;
  }];
}

#endif // RNNC_DIALECT_KERNEL_ATTRIBUTES_TD
