#!/bin/sh
# Who solves the adding problem over T steps, by the mean square error: run.sh T [OUT [UPDATES]]. It
# learns from 20,000 examples in 2,000 updates; ../cells.sh says what else can be asked.
set -eu
here=$(dirname "$0")
: "${1:?usage: run.sh T [OUT [UPDATES]]}"
exec "$here/../cells.sh" adding "$here/long.rnn" 20000 2000 "$@"
