"""Projects of the nine steps of the blind logs; what breaks them: blind_causes.

Words that stand for what the recorder makes: @ROOT@ an unpacked Debian, @HTTP@ and @HTTPS@ its two
servers, @DISK@ a disk of one megabyte.
"""

from __future__ import annotations

from collections.abc import Mapping

C = """\
#include <Python.h>
static PyObject *total(PyObject *self, PyObject *args) { return PyLong_FromLong(6); }
static PyMethodDef methods[] = {{"total", total, METH_VARARGS, "sum"}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "ledger", NULL, -1, methods};
PyMODINIT_FUNC PyInit_ledger(void) { return PyModule_Create(&module); }
"""
SETUP = """\
from setuptools import Extension, setup

setup(name="ledger", version="1.4", ext_modules=[Extension("ledger", ["ledger.c"])])
"""
POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.example</groupId>
  <artifactId>shop</artifactId>
  <version>1.0</version>
  <properties>
    <maven.compiler.release>17</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <dependencies>
    <dependency>
      <groupId>junit</groupId>
      <artifactId>junit</artifactId>
      <version>4.x</version>
      <scope>test</scope>
    </dependency>
  </dependencies>
</project>
"""
CART_JAVA = """\
package shop;

import java.util.List;

public class Cart {
    public static int total(List<Integer> prices) {
        int sum = 0;
        for (int price : prices) {
            sum += price;
        }
        return sum;
    }
}
"""
TEST_JAVA = """\
package shop;

import static org.junit.Assert.assertEquals;

import java.util.List;
import org.junit.Test;

public class CartTest {
    @Test public void totals() { assertEquals(6, Cart.total(List.of(1, 2, 3))); }
    @Test public void nothing() { assertEquals(0, Cart.total(List.of())); }
}
"""
CART_TS = """\
export function total(prices: number[]): number {
  return prices.reduce((sum, price) => sum + price, 0);
}
"""
TEST_JS = """\
const assert = require("assert");
const { total } = require("../out/cart");

describe("cart", () => {
  it("adds prices", () => assert.strictEqual(total([1, 2, 3]), 6));
  it("is nothing when empty", () => assert.strictEqual(total([]), 0));
});
"""
PACKAGE = """\
{
  "name": "shop",
  "version": "1.0.0",
  "private": true,
  "scripts": { "build": "tsc --outDir out src/cart.ts", "test": "mocha" },
  "devDependencies": { "mocha": "10.4.0", "typescript": "5.4.5" }
}
"""
CART_GO = """\
package cart

import "sync"

var mu sync.Mutex
var seen int

// Total adds prices.
func Total(prices []int) int {
\tmu.Lock()
\tdefer mu.Unlock()
\tsum := 0
\tfor _, price := range prices {
\t\tsum += price
\t}
\tseen++
\treturn sum
}
"""
CART_TEST_GO = """\
package cart

import (
\t"sync"
\t"testing"
)

func TestTotal(t *testing.T) {
\tif got := Total([]int{1, 2, 3}); got != 6 {
\t\tt.Errorf("Total() = %d, want 6", got)
\t}
}

func TestMany(t *testing.T) {
\tvar wg sync.WaitGroup
\tfor n := 0; n < 8; n++ {
\t\twg.Add(1)
\t\tgo func() { defer wg.Done(); Total([]int{1}) }()
\t}
\twg.Wait()
}
"""
RS = """\
//! A cart.

/// Adds prices.
///
/// ```
/// assert_eq!(cart::total(&[1, 2]), 3);
/// ```
pub fn total(prices: &[u32]) -> u32 {
    prices.iter().sum()
}

#[cfg(test)]
mod tests {
    #[test]
    fn totals() {
        assert_eq!(super::total(&[1, 2, 3]), 6);
    }
}
"""
_BUILD_RS = """\
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
}
"""
CARGO = """\
[package]
name = "cart"
version = "0.4.0"
edition = "2021"
build = "build.rs"
"""
_LOCK = '# generated\nversion = 4\n\n[[package]]\nname = "cart"\nversion = "0.4.0"\n'
CONFIGURE = """\
AC_INIT([shop], [1.0])
AM_INIT_AUTOMAKE([foreign subdir-objects])
AC_PROG_CC
PKG_CHECK_MODULES([ZLIB], [zlib >= 1.2])
AC_CHECK_HEADERS([stdlib.h])
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
"""
AM = """\
AM_CFLAGS = -Wall $(ZLIB_CFLAGS)
bin_PROGRAMS = shop
shop_SOURCES = main.c cart.c
shop_LDADD = $(ZLIB_LIBS)
TESTS = check-help.sh check-total.sh
"""
_MAIN_C = """\
#include <stdio.h>
#include <string.h>

int total(int a, int b);

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        puts("usage: shop");
    else
        printf("%d\\n", total(40, 2));
    return 0;
}
"""
CONTAINER = """\
FROM scratch AS parts
COPY data/ /data/

FROM scratch
LABEL org.example.part=shop
COPY --from=parts /data/ /srv/
COPY motd /etc/motd
CMD ["/srv/start"]
"""
_APT = (
    "chroot @ROOT@ sh -c 'apt-get update"
    " && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends {}'"
)
PROJECTS: Mapping[str, Mapping[str, str]] = {
    "apt": {},
    "pip": {
        "requirements.txt": "./ledger\n./prices\n",
        "ledger/setup.py": SETUP,
        "ledger/ledger.c": C,
        "prices/setup.py": 'from setuptools import setup\n\nsetup(name="prices", version="2.1",'
        ' py_modules=["prices"])\n',
        "prices/prices.py": "PRICES = {}\n",
    },
    "npm": {"package.json": PACKAGE, "src/cart.ts": CART_TS, "test/cart.js": TEST_JS},
    "go": {
        "go.mod": "module example.com/shop\n\ngo 1.19\n",
        "cart/cart.go": CART_GO,
        "cart/cart_test.go": CART_TEST_GO,
        "main.go": 'package main\n\nimport (\n\t"fmt"\n\n\t"example.com/shop/cart"\n)\n\n'
        "func main() {\n\tfmt.Println(cart.Total([]int{1}))\n}\n",
    },
    "cargo": {
        "Cargo.toml": CARGO,
        "Cargo.lock": _LOCK,
        "build.rs": _BUILD_RS,
        "src/lib.rs": RS,
    },
    "mvn": {
        "pom.xml": POM,
        "src/main/java/shop/Cart.java": CART_JAVA,
        "src/test/java/shop/CartTest.java": TEST_JAVA,
    },
    "conf": {
        "configure.ac": CONFIGURE,
        "Makefile.am": AM,
        "main.c": _MAIN_C,
        "cart.c": "int total(int a, int b)\n{\n    return a + b;\n}\n",
        "check-help.sh": "#!/bin/sh\n./shop --help | grep -q usage\n",
        "check-total.sh": '#!/bin/sh\ngot=$(./shop)\n[ "$got" = 42 ] ||'
        ' { echo "total is $got and not 42"; exit 1; }\n',
    },
    "fetch": {},
    "image": {
        "Containerfile": CONTAINER,
        "data/start": "start\n",
        "data/stock": "tea 40\n",
        "motd": "welcome\n",
    },
}
COMMANDS: Mapping[str, str] = {
    "apt": _APT.format("shop-server"),
    "pip": "pip install --no-build-isolation --target lib -r requirements.txt",
    "npm": "npm ci && npm run build && npm test",
    "go": "go version && go vet ./... && go test -v -race ./...",
    "cargo": "cargo --version && cargo test --locked --offline",
    "mvn": "mvn -o -B -s /etc/maven/settings-debian.xml package",
    "conf": "autoreconf -i && ./configure && make -j2 && make check",
    "fetch": "git clone --recurse-submodules @HTTP@/shop.git tool"
    " && wget --progress=dot @HTTP@/stock.tar.gz && curl -fsSLO @HTTP@/stock.tar.gz.asc"
    " && gpg --no-default-keyring --keyring $PWD/key.gpg --verify stock.tar.gz.asc"
    " && tar -xvzf stock.tar.gz && curl -fsSO @HTTP@/tables.zip && unzip -o tables.zip",
    "image": "podman build -f Containerfile -t shop .",
}
