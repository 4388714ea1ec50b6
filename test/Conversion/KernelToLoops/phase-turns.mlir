// RUN: rnn-opt %s --kernel-select-schedule=targets=v3 --kernel-choose-target --kernel-outline --convert-kernel-to-loops | FileCheck %s
// RUN: rnn-opt %s --kernel-select-schedule=targets=v3 --kernel-choose-target --kernel-outline --convert-kernel-to-loops=threads=false | FileCheck %s --check-prefix=ALONE
// RUN: echo 'step/phase0: panel_turns = 1' > %t.txt
// RUN: rnn-opt %s --kernel-select-schedule="targets=v3 schedule=%t.txt" --kernel-choose-target --kernel-outline --convert-kernel-to-loops | FileCheck %s --check-prefix=SAME
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// 64 KB of weights: odd steps take the panels of 16 units from the last to the
// first. A member of a team has some of them, and turns within those.
// CHECK-LABEL: func.func private @rnnc.kernel.0(
// CHECK: %[[LOWEST:.*]] = arith.andi %{{.*}}, %c1
// CHECK: %[[ODD:.*]] = arith.cmpi eq, %[[LOWEST]], %c1
// CHECK: %[[TRIPS:.*]] = arith.divui %{{.*}}, %c16{{.*}} : index
// CHECK-NEXT: %[[BEFORE:.*]] = arith.muli %[[TRIPS]], %c16{{.*}}
// CHECK-NEXT: %[[LAST:.*]] = arith.addi %[[BEFORE]], %[[BEGIN:.*]] : index
// CHECK-NEXT: %[[BOTH:.*]] = arith.addi %[[LAST]], %[[BEGIN]]
// CHECK-NEXT: scf.for %[[TRIP:.*]] = %[[BEGIN]] to %{{.*}} step %c16{{.*}}
// CHECK: %[[BACK:.*]] = arith.subi %[[BOTH]], %[[TRIP]]
// CHECK: arith.select %[[ODD]], %[[BACK]], %[[TRIP]]
// ALONE: scf.for %[[TRIP:.*]] = %c0{{.*}} to %c128{{.*}} step %c16
// ALONE: %[[BACK:.*]] = arith.subi %c112, %[[TRIP]]
// ALONE: arith.select %{{.*}}, %[[BACK]], %[[TRIP]]
// SAME-NOT: arith.select %{{.*}}, %{{.*}}, %arg
func.func @step(%h: memref<?x128xf32>, %p: memref<16416xf32>, %o: memref<?x128xf32>, %number: index) {
  kernel.phase products(%h : memref<?x128xf32>) with(%p : memref<16416xf32>) outs(%o : memref<?x128xf32>)
      turn(%number) columns([array<i64: 0>]) maps([]) attributes {packed} {
  ^bb0(%a: f32):
    %0 = math.tanh %a : f32
    kernel.yield %0 : f32
  }
  return
}
