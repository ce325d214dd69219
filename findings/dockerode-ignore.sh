#!/bin/sh
# dockerode 5.0.1: a .dockerignore holds for the names in "src" alone, and not for what lies below.
#
# Guess: buildImage({context, src: ["Dockerfile", "src", ...]}) leaves out what the .dockerignore of
# the context leaves out, as docker build does, and sends what it keeps.
# Seen: below a name of src, patterns are asked about the path with the context's own folder before
# it. "src/pkg" leaves nothing out; "*" with "!src/main.go" sends no file, for src is gone; "*" with
# "!src" sends src empty; a .dockerignore that names the Dockerfile (docker build sends it all the
# same) sends none, and the build fails. "**/*.go" works. No error tells of files too many: the image
# and each COPY's cache key hold them.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" dockerode@5.0.1
mkdir -p "$folder/context/src/pkg"
cat >"$folder/seen.js" <<'JS'
const assert = require("assert");
const fs = require("fs");
const path = require("path");
const zlib = require("zlib");
const Docker = require("dockerode");
const tar = require("tar-stream");

const context = path.join(__dirname, "context");
for (const name of ["Dockerfile", "src/main.go", "src/pkg/b.go"])
  fs.writeFileSync(path.join(context, name), name);

function sent(ignore) {
  fs.writeFileSync(path.join(context, ".dockerignore"), ignore);
  return new Promise((resolve, reject) => {
    const client = new Docker({ host: "127.0.0.1", port: 1 });
    // What would go to a daemon is read here.
    client.modem.dial = (request) => {
      const files = [];
      const reader = tar.extract();
      reader.on("entry", (header, stream, next) => {
        if (header.type === "file") files.push(header.name);
        stream.on("end", next).resume();
      });
      reader.on("finish", () => resolve(files.sort().join(" "))).on("error", reject);
      request.file.pipe(zlib.createGunzip()).pipe(reader);
    };
    client.buildImage({ context, src: ["Dockerfile", "src"] }, { t: "tried" }, () => {});
  });
}

(async () => {
  const seen = {};
  for (const ignore of ["src/pkg\n", "*\n!src/main.go\n", "*\n!src\n", "Dockerfile\n", "**/*.go\n"])
    seen[ignore] = await sent(ignore);
  console.log(seen);
  assert.deepStrictEqual(Object.values(seen), [
    "Dockerfile src/main.go src/pkg/b.go",
    "",
    "",
    "src/main.go src/pkg/b.go",
    "Dockerfile",
  ]);
})();
JS
node "$folder/seen.js"
echo "as found with dockerode 5.0.1"
