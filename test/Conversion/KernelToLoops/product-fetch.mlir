// RUN: rnn-opt %s --kernel-select-schedule=targets=v3 --kernel-choose-target --convert-kernel-to-loops=threads=false | FileCheck %s
// RUN: echo 'product/product0: panel_fetch = 1' > %t.txt
// RUN: rnn-opt %s --kernel-select-schedule="targets=v3 schedule=%t.txt" --kernel-choose-target --convert-kernel-to-loops=threads=false | FileCheck %s --check-prefix=NONE
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How large the right operand is is not known: each of the tiles of 6 rows asks
// for a part of the next panel of 16 columns while it works with this one, behind
// the last one for the first one again. One tile alone asks for none.
// CHECK-LABEL: func.func private @rnnc.gemm.block.f32(
// CHECK: %[[NUMBERS:.*]] = arith.muli %[[K:.*]], %c16
// CHECK: %[[LINES:.*]] = arith.ceildivsi %[[NUMBERS]], %c16
// CHECK: %[[TILES:.*]] = arith.ceildivsi %[[ROWS:.*]], %c6
// CHECK: %[[SEVERAL:.*]] = arith.maxsi %[[TILES]], %c1
// CHECK: %[[EACH:.*]] = arith.ceildivsi %[[LINES]], %[[SEVERAL]]
// CHECK: %[[MANY:.*]] = arith.cmpi slt, %c1{{.*}}, %[[TILES]]
// CHECK: %[[PART:.*]] = arith.select %[[MANY]], %[[EACH]], %c0
// CHECK: %[[TRIPS:.*]] = arith.divui %[[K]], %c4
// CHECK: %[[TRIP:.*]] = arith.ceildivsi %[[PART]],
// CHECK: scf.for %[[J:.*]] = %c0{{.*}} to %[[COLUMNS:.*]] step
// CHECK: %[[NEXT:.*]] = arith.addi %[[J]], %c16
// CHECK: %[[EXISTS:.*]] = arith.cmpi slt, %[[NEXT]], %[[COLUMNS]]
// CHECK: arith.select %[[EXISTS]], %[[NEXT]], %c0
// CHECK: "llvm.intr.prefetch"(%{{.*}}) <{cache = 1 : i32, hint = 2 : i32, rw = 0 : i32}>

// NONE-NOT: prefetch
func.func @product(%a: memref<?x64xf32>, %p: memref<12320xf32>, %c: memref<?x192xf32>) {
  kernel.gemm ins(%a, %p : memref<?x64xf32>, memref<12320xf32>) outs(%c : memref<?x192xf32>) {packed_b}
  return
}
