// A recurrence for each word: the words of all examples are rows of one loop.
// RUN: rnn-opt %s --convert-rnn-to-scan --canonicalize --cse | FileCheck %s

// Words past the end of a sentence have no characters.
// CHECK-LABEL: func.func @words.forward(
// CHECK-SAME: %[[T:arg[0-9]+]]: tensor<?xi32> {rnnc.slot = #rnnc.slot<lengths "T", ["batch"] optional>}
// CHECK-SAME: %[[L:arg[0-9]+]]: tensor<?x?xi32> {rnnc.slot = #rnnc.slot<lengths "L", ["batch", "T"] optional>}
// CHECK:   %[[TURNED:.*]] = scan.transpose %[[L]] perm = [1, 0]
// CHECK:   %[[MASKED:.*]] = scan.mask %[[TURNED]] lengths(%[[T]]) {batch_dim = 1 : i64, time_dim = 0 : i64}
// CHECK:   tensor.collapse_shape %{{.*}} {{\[}}[0], [1, 2]] : tensor<?x?x?xf32> into tensor<?x?xf32>
// CHECK:   %[[ROWS:.*]] = tensor.collapse_shape %[[MASKED]] {{\[}}[0, 1]]
// CHECK:   %[[X:.*]] = scan.mask %{{.*}} lengths(%[[ROWS]])
// CHECK:   %[[H:.*]] = scan.loop {{.*}} lengths(%[[ROWS]]) slices(%{{.*}} = %[[X]] :
// CHECK:   tensor.expand_shape %[[H]] {{\[}}[0, 1]]
// CHECK:   scan.leave %{{.*}} lengths(%[[T]])

rnn.module @words attributes {kind = "layer", source = "words", train = {}, exports = [{function = "forward"}], axes = {}} {
  %x = rnn.input "x" : !rnn.value<["T", "L"] real>
  %h0 = rnn.constant 0.0 : !rnn.value<[] real>
  %r = rnn.bind for #rnn.axis<"T"> {
  ^bb0(%i: !rnn.value<[] index "T">):
    %xi = rnn.lookup %x[%i] : !rnn.value<["T", "L"] real>, !rnn.value<[] index "T">
    %f = rnn.scan #rnn.axis<"L"> over(%xi : !rnn.value<["L"] real>)
        init(%h0 : !rnn.value<[] real>) states = ["h"] {
    ^bb0(%e: !rnn.value<[] real>, %h: !rnn.value<[] real>):
      %n = rnn.binary add %e, %h : !rnn.value<[] real>, !rnn.value<[] real>
      %y = rnn.unary tanh %n : !rnn.value<[] real>
      rnn.yield next(%y : !rnn.value<[] real>)
    } -> ()
    rnn.yield out(%f : !rnn.value<[] real>)
  } : !rnn.value<["T"] real>
  rnn.result "out" %r : !rnn.value<["T"] real>
}

// A step of the outer recurrence that starts the inner one stays around it.
// CHECK-LABEL: func.func @loops.forward(
// CHECK:   %[[EACH:.*]] = scan.mask {{.*}} : tensor<?x?xi32>
// CHECK:   scan.loop {{.*}} slices({{.*}}, %[[LENGTHS:arg[0-9]+]] = %[[EACH]] : {{.*}}) carry(%[[G:arg[0-9]+]] =
// CHECK:     scan.loop {{.*}} lengths(%[[LENGTHS]]) {{.*}} carry(%{{.*}} = %[[G]] :
rnn.module @loops attributes {kind = "layer", source = "loops", train = {}, exports = [{function = "forward"}], axes = {}} {
  %x = rnn.input "x" : !rnn.value<["T", "L"] real>
  %h0 = rnn.constant 0.0 : !rnn.value<[] real>
  %last = rnn.scan #rnn.axis<"T"> over(%x : !rnn.value<["T", "L"] real>)
      init(%h0 : !rnn.value<[] real>) states = ["g"] {
  ^bb0(%xi: !rnn.value<["L"] real>, %g: !rnn.value<[] real>):
    %f = rnn.scan #rnn.axis<"L"> over(%xi : !rnn.value<["L"] real>)
        init(%g : !rnn.value<[] real>) states = ["h"] {
    ^bb0(%e: !rnn.value<[] real>, %h: !rnn.value<[] real>):
      %n = rnn.binary add %e, %h : !rnn.value<[] real>, !rnn.value<[] real>
      %y = rnn.unary tanh %n : !rnn.value<[] real>
      rnn.yield next(%y : !rnn.value<[] real>)
    } -> ()
    rnn.yield next(%f : !rnn.value<[] real>)
  } -> ()
  rnn.result "out" %last : !rnn.value<[] real>
}
