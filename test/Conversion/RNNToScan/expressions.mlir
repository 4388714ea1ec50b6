// Every kind of expression, on values with and without a time axis.
// RUN: rnn-opt %s --convert-rnn-to-scan="all-functions=0" | FileCheck %s
// RUN: rnn-opt %s --convert-rnn-to-scan | rnn-opt --canonicalize --cse | FileCheck %s --check-prefix=CLEAN

// CLEAN-NOT: rnn.

// CHECK-LABEL: func.func @elementwise.forward(
// CHECK-SAME: %[[B:arg0]]: tensor<4xf32>
// CHECK:   %[[X:.*]] = scan.enter %arg2 lengths(%arg1)
// CHECK:   scan.broadcast %[[B]] sizes({{.*}}) dims = [2] : tensor<4xf32> -> tensor<?x?x4xf32>
// CHECK:   arith.addf %[[X]]
// CHECK:   math.erf
// CHECK:   arith.cmpf oge
// CHECK:   math.powf
// CHECK:   scan.softplus
// CHECK:   scan.leave {{.*}} : tensor<?x?x4xf32> {{.*}}-> tensor<?x?x4xf32>
rnn.module @elementwise attributes {kind = "layer", source = "elementwise", train = {}, exports = [{function = "forward"}], axes = {}} {
  %b = rnn.param "b" {init = {kind = "constant", value = 0.0}} : !rnn.value<["H" : 4] real>
  %x = rnn.input "x" : !rnn.value<["T", "H" : 4] real>
  %0 = rnn.binary add %x, %b : !rnn.value<["T", "H" : 4] real>, !rnn.value<["H" : 4] real>
  %1 = rnn.unary gelu %0 : !rnn.value<["T", "H" : 4] real>
  %two = rnn.constant 2.0 : !rnn.value<[] real>
  %2 = rnn.binary max %1, %two : !rnn.value<["T", "H" : 4] real>, !rnn.value<[] real>
  %3 = rnn.binary pow %2, %b : !rnn.value<["T", "H" : 4] real>, !rnn.value<["H" : 4] real>
  %4 = rnn.clamp %3, %b, %two : !rnn.value<["T", "H" : 4] real>, !rnn.value<["H" : 4] real>, !rnn.value<[] real>
  %5 = rnn.unary softplus %4 : !rnn.value<["T", "H" : 4] real>
  %c = rnn.compare lt %5, %x : !rnn.value<["T", "H" : 4] real>, !rnn.value<["T", "H" : 4] real>
  %6 = rnn.select %c, %5, %x : !rnn.value<["T", "H" : 4] bit>, !rnn.value<["T", "H" : 4] real>, !rnn.value<["T", "H" : 4] real>
  rnn.result "out" %6 : !rnn.value<["T", "H" : 4] real>
}

// A matrix and a vector from the left, a matrix from the right, two values of
// the same example, and a product whose result has to be turned.
// CHECK-LABEL: func.func @products.forward(
// CHECK:   scan.dot %[[X:.*]], %arg0 batch = {{\[\[}}], []] contract = {{\[\[}}2], [1]] : tensor<?x?x4xf32>, tensor<3x4xf32> -> tensor<?x?x3xf32>
// CHECK:   scan.dot %[[X]], %arg1 {{.*}} contract = {{\[\[}}2], [0]] : tensor<?x?x4xf32>, tensor<4x5xf32> -> tensor<?x?x5xf32>
// CHECK:   scan.dot %arg4, %arg4 batch = {{\[\[}}0], [0]] contract = {{\[\[}}1], [1]] : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?xf32>
// CHECK:   %[[TURNED:.*]] = scan.dot {{.*}} -> tensor<?x6x3xf32>
// CHECK:   scan.transpose %[[TURNED]] perm = [0, 2, 1]
rnn.module @products attributes {kind = "layer", source = "products", train = {}, exports = [{function = "forward"}], axes = {}} {
  %W = rnn.param "W" {init = {kind = "glorot"}} : !rnn.value<["M" : 3, "K" : 4] real>
  %R = rnn.param "R" {init = {kind = "glorot"}} : !rnn.value<["K" : 4, "N" : 5] real>
  %x = rnn.input "x" : !rnn.value<["T", "K" : 4] real>
  %v = rnn.input "v" : !rnn.value<["K" : 4] real>
  %m = rnn.input "m" : !rnn.value<["K" : 4, "L" : 6] real>
  %t = rnn.bind for #rnn.axis<"T"> {
  ^bb0(%i: !rnn.value<[] index "T">):
    %xi = rnn.lookup %x[%i] : !rnn.value<["T", "K" : 4] real>, !rnn.value<[] index "T">
    %w = rnn.match %W, %xi : !rnn.value<["M" : 3, "K" : 4] real>, !rnn.value<["K" : 4] real>
    rnn.yield out(%w : !rnn.value<["M" : 3] real>)
  } : !rnn.value<["T", "M" : 3] real>
  %r = rnn.match %x, %R : !rnn.value<["T", "K" : 4] real>, !rnn.value<["K" : 4, "N" : 5] real>
  %d = rnn.match %v, %v : !rnn.value<["K" : 4] real>, !rnn.value<["K" : 4] real>
  %q = rnn.match %W, %m : !rnn.value<["M" : 3, "K" : 4] real>, !rnn.value<["K" : 4, "L" : 6] real>
  rnn.result "t" %t : !rnn.value<["T", "M" : 3] real>
  rnn.result "r" %r : !rnn.value<["T", "N" : 5] real>
  rnn.result "d" %d : !rnn.value<[] real>
  rnn.result "q" %q : !rnn.value<["M" : 3, "L" : 6] real>
}

// CHECK-LABEL: func.func @lookups.forward(
// CHECK:   scan.gather %arg0[%[[W:.*]]] batch_dims = 0 : tensor<9x3xf32>, tensor<?x?xi32> -> tensor<?x?x3xf32>
// CHECK:   scan.gather %arg4[%arg3] batch_dims = 1 : tensor<?x9x3xf32>, tensor<?xi32> -> tensor<?x3xf32>
// CHECK:   tensor.extract_slice %arg0[2, 0] [1, 3] [1, 1] : tensor<9x3xf32> to tensor<3xf32>
// CHECK:   tensor.extract_slice %{{.*}}[0, 0, 0, 1] [%{{.*}}, %{{.*}}, 9, 1] [1, 1, 1, 1]
// CHECK:   tensor.concat dim(2) {{.*}} -> tensor<?x?x6xf32>
// CHECK:   scan.scatter_add {{.*}} batch_dims = 2 : tensor<?x?xf32>, tensor<?x?xi32> -> tensor<?x?x9xf32>
rnn.module @lookups attributes {kind = "layer", source = "lookups", train = {}, exports = [{function = "forward"}], axes = {}} {
  %E = rnn.param "E" {init = {kind = "glorot"}} : !rnn.value<["V" : 9, "D" : 3] real>
  %w = rnn.input "w" : !rnn.value<["T"] index "V" : 9>
  %i = rnn.input "i" : !rnn.value<[] index "V" : 9>
  %m = rnn.input "m" : !rnn.value<["V" : 9, "D" : 3] real>
  %g = rnn.input "g" : !rnn.value<["T", "V" : 9, "gate" : 3] real>
  %0 = rnn.lookup %E[%w] : !rnn.value<["V" : 9, "D" : 3] real>, !rnn.value<["T"] index "V" : 9>
  %1 = rnn.lookup %m[%i] : !rnn.value<["V" : 9, "D" : 3] real>, !rnn.value<[] index "V" : 9>
  %k = rnn.constant 2.0 : !rnn.value<[] index "V" : 9>
  %2 = rnn.lookup %E[%k] : !rnn.value<["V" : 9, "D" : 3] real>, !rnn.value<[] index "V" : 9>
  %3 = rnn.label %g axis 2 label 1 : !rnn.value<["T", "V" : 9, "gate" : 3] real>
  %4 = rnn.join %0, %0 : !rnn.value<["T", "D" : 3] real>, !rnn.value<["T", "D" : 3] real> -> !rnn.value<["T", "2*D" : 6] real>
  %5 = rnn.onehot %w : !rnn.value<["T"] index "V" : 9>
  %6 = rnn.as %5 : !rnn.value<["T", "V" : 9] real> -> !rnn.value<["T", "U" : 9] real>
  rnn.result "a" %4 : !rnn.value<["T", "2*D" : 6] real>
  rnn.result "b" %1 : !rnn.value<["D" : 3] real>
  rnn.result "c" %2 : !rnn.value<["D" : 3] real>
  rnn.result "d" %3 : !rnn.value<["T", "V" : 9] real>
  rnn.result "e" %6 : !rnn.value<["T", "U" : 9] real>
}

// Reductions over a time axis see the valid part only.
// CHECK-LABEL: func.func @reductions.forward(
// CHECK:   scan.reduce {{ *}}sum %{{.*}} dims = [2] : tensor<?x?x4xf32> -> tensor<?x?xf32>
// CHECK:   %[[E0:.*]] = scan.mask %{{.*}} lengths(%arg0) {batch_dim = 1 : i64, time_dim = 0 : i64} : tensor<?x?xf32>
// CHECK:   scan.reduce {{ *}}sum %[[E0]] dims = [0]
// CHECK:   arith.sitofp %arg0
// CHECK:   arith.divf
// CHECK:   scan.mask {{.*}} {batch_dim = 1 : i64, fill = 0xFFF0000000000000 : f64, time_dim = 0 : i64}
// CHECK:   scan.reduce {{ *}}max
// CHECK:   scan.mask {{.*}} {batch_dim = 1 : i64, fill = 1.000000e+00 : f64, time_dim = 0 : i64}
// CHECK:   scan.reduce {{ *}}prod
// CHECK:   scan.mask {{.*}} {batch_dim = 1 : i64, fill = 0xFFF0000000000000 : f64, time_dim = 0 : i64}
// CHECK:   scan.reduce {{ *}}logsumexp {{.*}} dims = [0]
// CHECK:   math.exp
// CHECK:   scan.argmax %{{.*}} dim = 0
// CHECK:   math.rsqrt
rnn.module @reductions attributes {kind = "layer", source = "reductions", train = {}, exports = [{function = "forward"}], axes = {}} {
  %x = rnn.input "x" : !rnn.value<["T", "H" : 4] real>
  %s = rnn.reduce_last sum %x : !rnn.value<["T", "H" : 4] real>
  %mean = rnn.reduce_last mean %s : !rnn.value<["T"] real>
  %max = rnn.bind max #rnn.axis<"T"> {
  ^bb0(%i: !rnn.value<[] index "T">):
    %e = rnn.lookup %s[%i] : !rnn.value<["T"] real>, !rnn.value<[] index "T">
    rnn.yield out(%e : !rnn.value<[] real>)
  } : !rnn.value<[] real>
  %prod = rnn.bind prod #rnn.axis<"T"> {
  ^bb0(%i: !rnn.value<[] index "T">):
    %e = rnn.lookup %s[%i] : !rnn.value<["T"] real>, !rnn.value<[] index "T">
    rnn.yield out(%e : !rnn.value<[] real>)
  } : !rnn.value<[] real>
  %soft = rnn.bind softmax #rnn.axis<"T"> {
  ^bb0(%i: !rnn.value<[] index "T">):
    %e = rnn.lookup %s[%i] : !rnn.value<["T"] real>, !rnn.value<[] index "T">
    rnn.yield out(%e : !rnn.value<[] real>)
  } : !rnn.value<["T"] real>
  %arg = rnn.argmax %s : !rnn.value<["T"] real>
  %ln = rnn.reduce_last layer_norm %x : !rnn.value<["T", "H" : 4] real>
  rnn.result "mean" %mean : !rnn.value<[] real>
  rnn.result "max" %max : !rnn.value<[] real>
  rnn.result "prod" %prod : !rnn.value<[] real>
  rnn.result "soft" %soft : !rnn.value<["T"] real>
  rnn.result "arg" %arg : !rnn.value<[] index "T">
  rnn.result "ln" %ln : !rnn.value<["T", "H" : 4] real>
}

// CHECK-LABEL: func.func @sequences.forward(
// CHECK:   scan.pick_step {{ *}}first
// CHECK:   scan.reverse {{.*}} lengths(%arg0)
// CHECK:   scan.shift {{.*}} fill({{.*}}) lengths(%arg0) {by = 1 : i64}
// CHECK:   scan.pick_step {{ *}}last
rnn.module @sequences attributes {kind = "layer", source = "sequences", train = {}, exports = [{function = "forward"}], axes = {}} {
  %x = rnn.input "x" : !rnn.value<["T", "H" : 4] real>
  %f = rnn.sequence first %x : !rnn.value<["T", "H" : 4] real>
  %r = rnn.sequence reverse %x : !rnn.value<["T", "H" : 4] real>
  %s = rnn.sequence shift %r fill %f : !rnn.value<["H" : 4] real> : !rnn.value<["T", "H" : 4] real>
  %l = rnn.sequence last %s : !rnn.value<["T", "H" : 4] real>
  rnn.result "out" %l : !rnn.value<["H" : 4] real>
}

// Division keeps the padding's infinite slopes away, in what is differentiated.
// CHECK-LABEL: func.func private @division.objective(
// CHECK:   %[[A:.*]] = scan.mask
// CHECK:   %[[D:.*]] = scan.mask
// CHECK:   arith.divf %[[A]], %[[D]]
rnn.module @division attributes {kind = "layer", source = "division", train = {}, exports = [{function = "vjp"}], axes = {}} {
  %x = rnn.input "x" : !rnn.value<["T"] real>
  %y = rnn.input "y" : !rnn.value<["T"] real>
  %0 = rnn.binary div %x, %y : !rnn.value<["T"] real>, !rnn.value<["T"] real>
  rnn.result "out" %0 : !rnn.value<["T"] real>
}

// Steps have no slope; conditions are bits; running sums of a fixed axis double
// their reach.
// CHECK-LABEL: func.func @steps.forward(
// CHECK:   %[[S:.*]] = scan.stop
// CHECK:   math.floor %[[S]]
// CHECK:   arith.divf
// CHECK:   scan.stop
// CHECK:   math.floor
// CHECK:   arith.andi
// CHECK:   arith.select
// CHECK-COUNT-3: tensor.concat dim(1)
// CHECK-NOT: tensor.concat
// CHECK:   return
rnn.module @steps attributes {kind = "layer", source = "steps", train = {}, exports = [{function = "forward"}], axes = {}} {
  %x = rnn.input "x" : !rnn.value<["H" : 5] real>
  %f = rnn.unary floor %x : !rnn.value<["H" : 5] real>
  %m = rnn.binary mod %f, %x : !rnn.value<["H" : 5] real>, !rnn.value<["H" : 5] real>
  %c = rnn.compare lt %m, %x : !rnn.value<["H" : 5] real>, !rnn.value<["H" : 5] real>
  %d = rnn.compare lt %x, %f : !rnn.value<["H" : 5] real>, !rnn.value<["H" : 5] real>
  %a = rnn.logic and %c, %d : !rnn.value<["H" : 5] bit>, !rnn.value<["H" : 5] bit>
  %n = rnn.not %a : !rnn.value<["H" : 5] bit>
  %s = rnn.select %n, %m, %x : !rnn.value<["H" : 5] bit>, !rnn.value<["H" : 5] real>, !rnn.value<["H" : 5] real>
  %u = rnn.sequence cumsum %s : !rnn.value<["H" : 5] real>
  rnn.result "out" %u : !rnn.value<["H" : 5] real>
}

// Parts are slices, lists are put together, products of axes change shape in
// memory; what is only renamed takes no code.
// CHECK-LABEL: func.func @shapes.forward(
// CHECK:   arith.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00]]>
// CHECK:   tensor.extract_slice {{.*}}[0, 0, 2] [%{{.*}}, %{{.*}}, 2] [1, 1, 1]
// CHECK:   tensor.concat dim(2) {{.*}} -> tensor<?x?x2x2xf32>
// CHECK:   tensor.collapse_shape {{.*}} {{\[\[}}0], [1], [2, 3]] : tensor<?x?x2x2xf32> into tensor<?x?x4xf32>
// CHECK:   tensor.expand_shape {{.*}} {{\[\[}}0], [1], [2, 3]]
rnn.module @shapes attributes {kind = "layer", source = "shapes", train = {}, exports = [{function = "forward"}], axes = {}} {
  %x = rnn.input "x" : !rnn.value<["T", "H" : 4] real>
  %c = rnn.table [1.0, 2.0, 3.0, 4.0] : !rnn.value<["2" : 2, "2" : 2] real>
  %y = rnn.bind for #rnn.axis<"T"> {
  ^bb0(%t: !rnn.value<[] index "T">):
    %a = rnn.lookup %x[%t] : !rnn.value<["T", "H" : 4] real>, !rnn.value<[] index "T">
    %s = rnn.slice %a from 2 : !rnn.value<["H" : 4] real> -> !rnn.value<["2" : 2] real>
    %m = rnn.match %c, %s : !rnn.value<["2" : 2, "2" : 2] real>, !rnn.value<["2" : 2] real>
    %l = rnn.list %s, %m : !rnn.value<["2" : 2] real>, !rnn.value<["2" : 2] real> -> !rnn.value<["2" : 2, "2" : 2] real>
    %n = rnn.as %l : !rnn.value<["2" : 2, "2" : 2] real> -> !rnn.value<["A" : 2, "2" : 2] real>
    %j = rnn.as %n : !rnn.value<["A" : 2, "2" : 2] real> -> !rnn.value<["H" : 4] real>
    %u = rnn.binary add %j, %a : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>
    %w = rnn.as %u : !rnn.value<["H" : 4] real> -> !rnn.value<["2" : 2, "A" : 2] real>
    rnn.yield out(%w : !rnn.value<["2" : 2, "A" : 2] real>)
  } : !rnn.value<["T", "2" : 2, "A" : 2] real>
  rnn.result "out" %y : !rnn.value<["T", "2" : 2, "A" : 2] real>
}
