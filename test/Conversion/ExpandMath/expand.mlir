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
