#!/bin/sh
# Forecasts five series one step ahead, from FOLDER with monthly-sunspots.csv,
# daily-min-temperatures.csv, seattle-weather.csv, airline-passengers.csv and EuStockMarkets.csv,
# and prints root mean square error, CRPS and how many values lie in the 90 % band on the last
# part: run.sh FOLDER [OUT]
set -eu
data=${1:?usage: run.sh FOLDER [OUT]} out=${2:-run} here=$(dirname "$0")

one() { # NAME MODEL FILE WINDOW SPLIT COLUMNS [OPTIONS]
  name=$1 model=$2 file=$3 window=$4 split=$5 columns=$6; shift 6
  rnnc train "$here/$model.rnn" --data "$data/$file" --window "$window" --split "$split" --columns "$columns" \
    --seed 1 --out "$out/$name" --quiet "$@" > /dev/null
  printf '%s: ' "$name"
  rnnc eval "$out/$name" --data "$data/$file" --part test
}

one sunspots  forecast monthly-sunspots.csv       24 68/12/20       x=Sunspots,y=Sunspots           -D I=1
one melbourne forecast daily-min-temperatures.csv 10 68/12/20       x=Temp+Date:year,y=Temp         -D I=3
one seattle   forecast seattle-weather.csv        14 64/11.02/24.98 x=temp_max+date:year,y=temp_max -D I=3
one airline   growth   airline-passengers.csv     14 66.67/0/33.33  x=Passengers,y=Passengers --scale none
# Prices barely tell their next step: a small net, slowly, and the weights of the best validation.
sed 's/lr = 3e-3/lr = 3e-4/' "$here/growth.rnn" > "$out/slow.rnn"
here=$out
one dax       slow     EuStockMarkets.csv         21 72/8/20        x=DAX,y=DAX --scale none -D N=5 -D H=4 --epochs 10
