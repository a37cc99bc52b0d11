#!/usr/bin/env bash
# One picture of 512x512 in 20 steps, from typing the command to the PNG: seconds, and the most anonymous memory resident.
#     benchmarks/generation/picture.sh sd15-a-fp32.safetensors
set -euo pipefail
home=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../..
"$home/atelier" --version >/dev/null # builds, where that is due
out=$(mktemp -d)
start=$(date +%s.%N)
"$home/atelier" generate "portrait of a fox" --model "$1" --steps 20 --cfg 7 --width 512 --height 512 --seed 1 -o "$out/fox.png" >/dev/null &
most=0
while status=$(grep -s RssAnon "/proc/$!/status"); do
    now=$(tr -dc 0-9 <<<"$status")
    most=$((now > most ? now : most))
    sleep 0.05
done
wait $!
echo "$start $(date +%s.%N) $most" | awk '{ printf "%.1f s, %.2f GB of anonymous memory at most\n", $2 - $1, $3 * 1024 / 1e9 }'
rm -r "$out"
