// RUN: rnn-opt %s --kernel-choose-target=target=a | FileCheck %s
// RUN: rnn-opt %s --kernel-choose-target | FileCheck %s --check-prefix=LAST
// RUN: rnn-opt %s --kernel-choose-target --kernel-choose-target | FileCheck %s --check-prefix=LAST
// RUN: not rnn-opt %s --kernel-choose-target=target=c 2>&1 | FileCheck %s --check-prefix=ABSENT
// RUN: echo 'module {}' | not rnn-opt --kernel-choose-target 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: echo 'module {}' | not rnn-opt --convert-kernel-to-loops 2>&1 | FileCheck %s --check-prefix=FORNONE
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK-DAG: #[[S:.*]] = #kernel.schedule<"a" tile_vectors = 1>
// CHECK-DAG: #[[T:.*]] = #kernel.target<"a",
// CHECK: module attributes {kernel.target = #[[T]]}
// CHECK: kernel.schedule = #[[S]]}
// CHECK-NOT: kernel.schedules
// LAST-DAG: #[[S:.*]] = #kernel.schedule<"b" tile_vectors = 2>
// LAST: kernel.schedule = #[[S]]}
// ABSENT: error: was planned for other targets than `c`
// NONE: error: names no targets, so nothing was decided for any
// FORNONE: error: is for no target: kernel-choose-target says for which
module attributes {kernel.targets = [
    #kernel.target<"a", vector_bits = 128, registers = 16, fma = false, l1 = 32768, l2 = 1048576>,
    #kernel.target<"b", vector_bits = 256, registers = 16, fma = true, l1 = 32768, l2 = 1048576>]} {
  func.func @f(%U: memref<4x8xf32>, %p: memref<64xf32>) {
    kernel.pack ins(%U : memref<4x8xf32>) outs(%p : memref<64xf32>)
        {kernel.schedules = [#kernel.schedule<"a" tile_vectors = 1>, #kernel.schedule<"b" tile_vectors = 2>]}
    return
  }
}
