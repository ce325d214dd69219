#!/bin/sh
# podman-compose 1.6.0 drops options of a service's build without a word, and writes true as True.
#
# Guess: no_cache, pull, network, shm_size and platforms of "build:" become the options of podman
# build that have these names, or are refused; a boolean argument arrives as Compose writes it, true.
# Seen: the command it would run has none of the five, and --build-arg DEBUG=True. With no_cache a
# "fresh" build is served from the cache, platforms builds for this machine alone, and the same
# Compose file has other cache keys for its ARG than under docker compose.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check podman-compose==1.6.0
printf 'FROM scratch\nARG DEBUG\nCOPY . .\n' >"$folder/Dockerfile"
cat >"$folder/compose.yaml" <<'YAML'
name: tried
services:
  app:
    build:
      context: .
      no_cache: true
      pull: true
      network: host
      shm_size: 128m
      platforms: [linux/amd64, linux/arm64]
      args:
        DEBUG: true
YAML
cd "$folder"
command=$("$folder/venv/bin/podman-compose" --verbose --dry-run build 2>&1 | grep 'podman build')
echo "$command" | sed "s|$folder|.|g"
for dropped in no-cache pull network shm-size platform; do
    case $command in *"--$dropped"*) echo "--$dropped is there"; exit 1 ;; esac
done
case $command in *"--build-arg DEBUG=True "*) ;; *) echo "DEBUG is not True"; exit 1 ;; esac
echo "as found with podman-compose 1.6.0"
