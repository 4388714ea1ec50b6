// RUN: rnn-opt %s --kernel-select-schedule=targets=v3 --kernel-choose-target --kernel-outline --convert-kernel-to-loops=threads=false | FileCheck %s
// RUN: echo 'step/phase0: panel_fetch = 1' > %t.txt
// RUN: rnn-opt %s --kernel-select-schedule="targets=v3 schedule=%t.txt" --kernel-choose-target --kernel-outline --convert-kernel-to-loops=threads=false | FileCheck %s --check-prefix=NONE
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// 1.1 MB of weights are more than a second-level cache holds. A panel of 16
// units is 32 KB; a trip of four steps reads four lines of it, so that each of
// all tiles asks for a part of four lines a trip of the next one. A tile alone
// asks for none, and so does the last panel.
// CHECK: %[[TILES:.*]] = arith.ceildivui %{{.*}}, %c5 : index
// CHECK: %[[ATLEAST:.*]] = arith.maxui %[[TILES]], %{{.*}} : index
// CHECK: %[[LINES:.*]] = arith.ceildivui %c4{{.*}}, %[[ATLEAST]] : index
// CHECK: %[[SEVERAL:.*]] = arith.cmpi ugt, %[[TILES]], %c1
// CHECK: %[[EACH:.*]] = arith.select %[[SEVERAL]], %[[LINES]], %c0
// CHECK: scf.for %[[UNIT:.*]] = %c0{{.*}} to %c544 step %c16
// CHECK: scf.for %[[TILE:.*]] = %c0{{.*}} to %[[TILES]] step
// CHECK: %[[NEXT:.*]] = arith.addi %[[UNIT]], %c16
// CHECK: %[[EXISTS:.*]] = arith.cmpi ult, %[[NEXT]], %c544
// CHECK: %[[ASKED:.*]] = arith.muli %[[TILE]], %[[EACH]]
// CHECK: %[[LEFT:.*]] = arith.cmpi ult, %[[ASKED]], %c4
// CHECK: %[[ASKS:.*]] = arith.andi %[[EXISTS]], %[[LEFT]]
// CHECK: arith.select %[[ASKS]], %[[EACH]], %c0
// CHECK: "llvm.intr.prefetch"(%{{.*}}) <{cache = 1 : i32, hint = 2 : i32, rw = 0 : i32}>

// NONE-NOT: prefetch
func.func @step(%h: memref<?x512xf32>, %p: memref<278560xf32>, %o: memref<?x544xf32>) {
  kernel.phase products(%h : memref<?x512xf32>) with(%p : memref<278560xf32>) outs(%o : memref<?x544xf32>)
      columns([array<i64: 0>]) maps([]) attributes {packed} {
  ^bb0(%a: f32):
    %0 = math.tanh %a : f32
    kernel.yield %0 : f32
  }
  return
}
