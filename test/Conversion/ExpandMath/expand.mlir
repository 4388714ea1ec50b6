// RUN: rnn-opt %s --kernel-expand-math | FileCheck %s
// RUN: rnn-opt %s --kernel-expand-math=fma=false | FileCheck %s --check-prefix=NOFMA
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK-LABEL: func.func @all
// CHECK-NOT: math.{{exp|tanh|log|erf|sin|cos|powf|rsqrt}}
// CHECK: math.fma
// CHECK-NOT: math.{{exp|tanh|log|erf|sin|cos|powf|rsqrt}}
// CHECK-NOT: scan.
// CHECK: return
// NOFMA-LABEL: func.func @all
// NOFMA-NOT: math.fma
// NOFMA: return
func.func @all(%x: vector<8xf32>, %y: f64) -> (vector<8xf32>, f64) {
  %0 = math.exp %x : vector<8xf32>
  %1 = math.tanh %0 : vector<8xf32>
  %2 = scan.sigmoid %1 : vector<8xf32>
  %3 = scan.softplus %2 : vector<8xf32>
  %4 = math.log %3 : vector<8xf32>
  %5 = math.log1p %4 : vector<8xf32>
  %6 = math.erf %y : f64
  %7 = math.sin %6 : f64
  %8 = math.cos %7 : f64
  %9 = math.powf %8, %y : f64
  %10 = math.rsqrt %9 : f64
  return %5, %10 : vector<8xf32>, f64
}

// A product of two of them, which nothing else needs, is one quotient; with a
// factor in place of the 1 the logistic function needs no multiplication.
// CHECK-LABEL: func.func @products(
// CHECK-COUNT-2: arith.divf
// CHECK-NOT: arith.divf
// CHECK: return
func.func @products(%f: vector<8xf32>, %c: vector<8xf32>, %i: vector<8xf32>, %g: vector<8xf32>) -> (vector<8xf32>, vector<8xf32>) {
  %sf = "scan.sigmoid"(%f) : (vector<8xf32>) -> vector<8xf32>
  %kept = arith.mulf %sf, %c : vector<8xf32>
  %si = "scan.sigmoid"(%i) : (vector<8xf32>) -> vector<8xf32>
  %tg = math.tanh %g : vector<8xf32>
  %new = arith.mulf %si, %tg : vector<8xf32>
  return %kept, %new : vector<8xf32>, vector<8xf32>
}

// What is kept for a gradient is computed by itself.
// CHECK-LABEL: func.func @kept(
// CHECK-COUNT-2: arith.divf
// CHECK: arith.mulf
// CHECK-NEXT: return
func.func @kept(%i: vector<8xf32>, %g: vector<8xf32>) -> (vector<8xf32>, vector<8xf32>) {
  %si = "scan.sigmoid"(%i) : (vector<8xf32>) -> vector<8xf32>
  %tg = math.tanh %g : vector<8xf32>
  %new = arith.mulf %si, %tg : vector<8xf32>
  return %new, %si : vector<8xf32>, vector<8xf32>
}
