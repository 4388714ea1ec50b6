// Log-likelihoods, what they are divided by, and modes.
// RUN: rnn-opt %s --convert-rnn-to-scan | FileCheck %s
// RUN: rnn-opt %s --convert-rnn-to-scan=precision=f64 | FileCheck %s --check-prefix=F64
// RUN: not rnn-opt %s --convert-rnn-to-scan=precision=f16 2>&1 | FileCheck %s --check-prefix=F16

// F64: rnnc.interface = #rnnc.interface<"f64"
// F64: tensor<?x?x3xf64>
// F64-NOT: f32
// F16: error: precision is f32 or f64, not f16

// Each element is an observation: the sum of lengths times the size of F.
// CHECK-LABEL: func.func @normal.loss(
// CHECK-SAME: %[[LEN:arg0]]: tensor<?xi32> {rnnc.slot = #rnnc.slot<{{[a-z_]+}} "T"
// CHECK:   arith.subf
// CHECK:   arith.divf
// CHECK:   math.log
// CHECK:   arith.constant dense<0.918938{{.*}}> : tensor<f32>
// CHECK:   arith.sitofp %[[LEN]]
// CHECK:   %[[LENGTHS:.*]] = scan.reduce {{ *}}sum %{{.*}} dims = [0] : tensor<?xf32> -> tensor<f32>
// CHECK:   %[[F:.*]] = arith.constant dense<3.000000e+00> : tensor<f32>
// CHECK:   %[[COUNT:.*]] = arith.mulf %[[LENGTHS]], %[[F]]
// CHECK:   %[[MASKED:.*]] = scan.mask %{{.*}} lengths(%[[LEN]]) {{.*}} : tensor<?x?x3xf32>
// CHECK:   %[[SUM:.*]] = scan.reduce {{ *}}sum %[[MASKED]] dims = [0, 1, 2]
// CHECK:   %[[SOME:.*]] = arith.cmpf ogt, %[[COUNT]]
// CHECK:   %[[N:.*]] = arith.select %[[SOME]], %[[COUNT]]
// CHECK:   arith.divf %[[SUM]], %[[N]]
// CHECK-LABEL: func.func @normal.predict(
// CHECK-SAME: #rnnc.slot<output "y", ["batch", "T", 3]>
// CHECK-SAME: #rnnc.slot<probability "y.p", ["batch", "T", 3]>
rnn.module @normal attributes {kind = "model", source = "normal", train = {}, exports = [], axes = {}} {
  %m = rnn.input "m" : !rnn.value<["T", "F" : 3] real>
  %s = rnn.input "s" : !rnn.value<["F" : 3] real>
  %y = rnn.output "y" : !rnn.value<["T", "F" : 3] real>
  %d = rnn.dist normal(%m, %s : !rnn.value<["T", "F" : 3] real>, !rnn.value<["F" : 3] real>) : !rnn.dist<normal, !rnn.value<["T", "F" : 3] real>>
  rnn.observe "y" %y, %d : !rnn.value<["T", "F" : 3] real>, !rnn.dist<normal, !rnn.value<["T", "F" : 3] real>>
}

// `per example` divides by the number of rows.
// CHECK-LABEL: func.func @laplace.loss(
// CHECK:   math.absf
// CHECK:   arith.constant dense<0.693147{{.*}}> : tensor<f32>
// CHECK-NOT: arith.sitofp
// CHECK:   arith.divf
rnn.module @laplace attributes {kind = "model", source = "laplace", train = {per = "example"}, exports = [], axes = {}} {
  %m = rnn.input "m" : !rnn.value<["T"] real>
  %y = rnn.output "y" : !rnn.value<["T"] real>
  %s = rnn.constant 1.0 : !rnn.value<[] real>
  %d = rnn.dist laplace(%m, %s : !rnn.value<["T"] real>, !rnn.value<[] real>) : !rnn.dist<laplace, !rnn.value<["T"] real>>
  rnn.observe "y" %y, %d : !rnn.value<["T"] real>, !rnn.dist<laplace, !rnn.value<["T"] real>>
}

// -log p of bits from log odds, without overflow; the mode of bits as i32.
// CHECK-LABEL: func.func @bits.loss(
// CHECK:   %[[S:.*]] = scan.enter %arg1
// CHECK:   %[[Y:.*]] = arith.cmpi ne
// CHECK:   %[[NEG:.*]] = arith.negf %[[S]]
// CHECK:   %[[SIDE:.*]] = arith.select %[[Y]], %[[NEG]], %[[S]]
// CHECK:   scan.softplus %[[SIDE]]
// CHECK-LABEL: func.func @bits.predict(
// CHECK-SAME: tensor<?x?xi32> {rnnc.slot = #rnnc.slot<output "y"
// CHECK:   arith.cmpf ogt
// CHECK:   scan.sigmoid
rnn.module @bits attributes {kind = "model", source = "bits", train = {}, exports = [], axes = {}} {
  %s = rnn.input "s" : !rnn.value<["T"] real>
  %y = rnn.output "y" : !rnn.value<["T"] bit>
  %d = rnn.dist bernoulli(%s : !rnn.value<["T"] real>) : !rnn.dist<bernoulli, !rnn.value<["T"] bit>>
  rnn.observe "y" %y, %d : !rnn.value<["T"] bit>, !rnn.dist<bernoulli, !rnn.value<["T"] bit>>
}

// Label smoothing mixes the target's score with the mean of all; two terms add
// up; a `loss` is a mean over the examples.
// CHECK-LABEL: func.func @smooth.loss(
// CHECK:   scan.reduce {{ *}}logsumexp %arg0 dims = [1]
// CHECK:   %[[TARGET:.*]] = scan.gather %arg0[%arg1] batch_dims = 1
// CHECK:   scan.reduce {{ *}}sum %arg0 dims = [1]
// CHECK:   arith.constant dense<0.899999976> : tensor<f32>
// CHECK:   arith.mulf %[[TARGET]]
// CHECK:   arith.subf
// CHECK:   arith.divf
// CHECK:   arith.divf
// CHECK:   arith.addf
// CHECK:   return
rnn.module @smooth attributes {kind = "model", source = "smooth", train = {}, exports = [], axes = {}} {
  %s = rnn.input "s" : !rnn.value<["C" : 4] real>
  %y = rnn.output "y" : !rnn.value<[] index "C" : 4>
  %d = rnn.dist categorical(%s : !rnn.value<["C" : 4] real>) {smooth = 0.1 : f64} : !rnn.dist<categorical, !rnn.value<[] index "C" : 4>>
  rnn.observe "y" %y, %d : !rnn.value<[] index "C" : 4>, !rnn.dist<categorical, !rnn.value<[] index "C" : 4>>
  %e = rnn.reduce_last logsumexp %s : !rnn.value<["C" : 4] real>
  rnn.loss %e : !rnn.value<[] real>
}
