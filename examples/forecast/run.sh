#!/bin/sh
# Forecasts three series one step ahead, from FOLDER with monthly-sunspots.csv,
# daily-min-temperatures.csv and seattle-weather.csv, and prints root mean square error, CRPS and
# how many values lie in the 90 % band on the last part: run.sh FOLDER [OUT]
set -eu
data=${1:?usage: run.sh FOLDER [OUT]} out=${2:-run} here=$(dirname "$0")

one() { # NAME FILE WINDOW SPLIT COLUMNS SIZES
  rnnc train "$here/forecast.rnn" --data "$data/$2" --window "$3" --split "$4" --columns "$5" -D "$6" \
    --seed 1 --out "$out/$1" --quiet > /dev/null
  printf '%s: ' "$1"
  rnnc eval "$out/$1" --data "$data/$2" --part test
}

one sunspots  monthly-sunspots.csv       24 68/12/20       x=Sunspots,y=Sunspots             I=1
one melbourne daily-min-temperatures.csv 10 68/12/20       x=Temp+Date:year,y=Temp           I=3
one seattle   seattle-weather.csv        14 64/11.02/24.98 x=temp_max+date:year,y=temp_max   I=3
