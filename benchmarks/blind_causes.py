"""What breaks or slows the projects of the blind logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.blind_projects import (
    AM,
    CARGO,
    CART_GO,
    CART_JAVA,
    CART_TS,
    CONFIGURE,
    CONTAINER,
    PACKAGE,
    POM,
    PROJECTS,
    RS,
    SETUP,
    TEST_JAVA,
    TEST_JS,
    C,
)

_FONTS = 'throw new Error("fonts are not to be had: FONT_TOKEN is not set");\n'
_GO_MOD = PROJECTS["go"]["go.mod"]
_PRINTF_GO = """\
package main

import "fmt"

func main() {
\tfmt.Printf("%d\\n", "x")
}
"""
_QUOTE_GO = """\
package main

import "rsc.io/quote"

func main() {
\tprintln(quote.Hello())
}
"""
_RATES_RS = """\
fn main() {
    let rates = std::fs::read_to_string("rates.csv").expect("rates.csv is needed");
    println!("cargo:rustc-env=RATES={}", rates.len());
}
"""
_FIRST_RS = """

pub fn first(names: &mut Vec<String>) -> &String {
    let one = &names[0];
    names.clear();
    one
}
"""


def _go_unused(count: int) -> str:
    return "".join(
        f"\nfunc part{n}(values map[string]int) string {{\n"
        f'\treturn fmt.Sprintf("%d of {n}", "x")\n}}\n'
        for n in range(count)
    )


_LINT = """\
<build><plugins><plugin>
    <artifactId>maven-compiler-plugin</artifactId>
    <configuration>
      <showWarnings>true</showWarnings>
      <compilerArgs><arg>-Xlint:all</arg></compilerArgs>
    </configuration>
  </plugin></plugins></build>
  """


def _java_raw(count: int) -> str:
    lines = "".join(f"    static Map of{n}() {{ return new HashMap(); }}\n" for n in range(count))
    return f"package shop;\n\nimport java.util.*;\n\npublic class Parts {{\n{lines}}}\n"


# files: what is another one (None: gone); words: of the command; environ: variables that are set.
CHANGES: Mapping[str, Mapping[str, Any]] = {
    # apt and dpkg
    "apt-unsigned": {
        "words": {"apt-get update": "mv /unsigned.list /etc/apt/sources.list.d/ && apt-get update"}
    },
    "apt-postinst": {"words": {"shop-server": "shop-broken"}},
    "apt-depends": {"words": {"shop-server": "shop-unmet"}},
    "apt-sum": {"words": {"shop-server": "shop-torn"}},
    "apt-gone": {"words": {"shop-server": "shop-gone"}},
    "apt-full": {
        "words": {"chroot @ROOT@": "mount -t tmpfs -o size=40k none @ROOT@/opt && chroot @ROOT@"}
    },
    "apt-conflict": {"words": {"shop-server": "shop-server shop-overwrites"}},
    # pip
    "pip-header": {"files": {"ledger/ledger.c": C.replace("Python.h", "ledger_rates.h")}},
    "pip-setup": {"files": {"prices/setup.py": "import numpy_config\n" + SETUP}},
    "pip-nofile": {"words": {"-r requirements.txt": "-r requirements/base.txt"}},
    "pip-syntax": {"files": {"requirements.txt": "./ledger\nprices=>2\n"}},
    "pip-tls": {
        "words": {"install": "install -i @HTTPS@/simple --retries 0"},
        "files": {"requirements.txt": "./ledger\nstockroom==3.1\n"},
    },
    "pip-timeout": {
        "words": {"install": "install -i @HTTP@/hang --retries 1 --timeout 2"},
        "files": {"requirements.txt": "./ledger\nstockroom==3.1\n"},
    },
    "pip-platform": {
        "files": {
            "requirements.txt": "./ledger\n./stockroom-3.1-cp27-cp27m-win32.whl\n",
            "stockroom-3.1-cp27-cp27m-win32.whl": "PK",
        }
    },
    # npm, TypeScript, mocha
    "npm-lock": {"files": {"package.json": PACKAGE.replace("5.4.5", "5.5.4")}},
    "npm-json": {"files": {"package.json": PACKAGE.replace('"private": true,', '"private": true')}},
    "npm-script": {"words": {"run build": "run compile"}},
    "npm-types": {"files": {"src/cart.ts": CART_TS.replace(", 0)", ', "0")')}},
    "npm-mocha": {"files": {"test/cart.js": TEST_JS.replace("[1, 2, 3]), 6", "[1, 2, 3]), 7")}},
    "npm-heap": {
        "words": {"npm test": "node --max-old-space-size=20 heap.js"},
        "files": {"heap.js": "const a = [];\nfor (;;) a.push(new Array(1000).fill(a.length));\n"},
    },
    "npm-integrity": {
        "words": {"npm ci": "sed -i s#sha512-v#sha512-w#g package-lock.json && npm ci"}
    },
    "npm-postinstall": {
        "files": {
            "package.json": PACKAGE.replace(
                '"test":', '"postinstall": "node fetch-fonts.js", "test":'
            ),
            "fetch-fonts.js": _FONTS,
        }
    },
    # go
    "go-vet": {"files": {"main.go": _PRINTF_GO}},
    "go-race": {
        "files": {
            "cart/cart.go": CART_GO.replace("\tmu.Lock()\n\tdefer mu.Unlock()\n", "\t_ = &mu\n")
        }
    },
    "go-cycle": {
        "files": {
            "cart/cart.go": CART_GO.replace(
                'import "sync"', 'import "sync"\n\nimport _ "example.com/shop/rates"'
            ),
            "rates/rates.go": 'package rates\n\nimport _ "example.com/shop/cart"\n',
        }
    },
    "go-sum": {
        "files": {
            "go.mod": _GO_MOD + "\nrequire rsc.io/quote v1.5.2\n",
            "main.go": _QUOTE_GO,
        }
    },
    "go-mod": {
        "files": {"go.mod": _GO_MOD + "\nrequire (\n\texample.com/rates 1.2\n)\n"},
        "environ": {"GOPROXY": "off"},
    },
    "go-nocc": {"environ": {"CC": "x86_64-nosuch-gcc"}},
    "go-floodvet": {
        "words": {"go vet ./...": "(go vet ./... || true)", "go test": "go test -vet=off"},
        "files": {"rates/rates.go": 'package rates\n\nimport "fmt"\n' + _go_unused(60)},
    },
    # cargo
    "cargo-build": {"files": {"build.rs": _RATES_RS}},
    "cargo-lock": {"files": {"Cargo.toml": CARGO.replace("0.4.0", "0.4.1")}},
    "cargo-rust": {
        "files": {"Cargo.toml": CARGO.replace("build =", 'rust-version = "1.199"\nbuild =')}
    },
    "cargo-doc": {"files": {"src/lib.rs": RS.replace("&[1, 2]), 3", "&[1, 2]), 4")}},
    "cargo-borrow": {"files": {"src/lib.rs": RS + _FIRST_RS}},
    "cargo-deny": {
        "files": {"src/lib.rs": "#![deny(missing_docs)]\n" + RS + "\npub struct Item;\n"}
    },
    # maven
    "mvn-symbol": {
        "files": {
            "src/main/java/shop/Cart.java": CART_JAVA.replace("sum += price", "sum += cents(price)")
        }
    },
    "mvn-test": {
        "files": {
            "src/test/java/shop/CartTest.java": TEST_JAVA.replace(
                "assertEquals(6,", "assertEquals(7,"
            )
        }
    },
    "mvn-error": {
        "files": {
            "src/main/java/shop/Cart.java": CART_JAVA.replace(
                "int sum = 0;", "int sum = prices.get(0) - prices.get(0);"
            )
        }
    },
    "mvn-dependency": {"files": {"pom.xml": POM.replace("4.x", "4.99")}},
    "mvn-pom": {"files": {"pom.xml": POM.replace("</dependencies>", "")}},
    "mvn-release": {"files": {"pom.xml": POM.replace("release>17", "release>29")}},
    "mvn-phase": {"words": {"package": "pakage"}},
    "mvn-warnings": {
        "files": {
            "src/main/java/shop/Parts.java": _java_raw(40),
            "pom.xml": POM.replace("<dependencies>", _LINT + "<dependencies>"),
        }
    },
    # autoconf, make
    "conf-package": {"files": {"configure.ac": CONFIGURE.replace("zlib >= 1.2", "zlib >= 9.1")}},
    "conf-library": {"files": {"Makefile.am": AM.replace("$(ZLIB_LIBS)", "$(ZLIB_LIBS) -lrates")}},
    "conf-compiler": {"environ": {"CFLAGS": "-mnosuch"}},
    "conf-check": {"files": {"cart.c": "int total(int a, int b)\n{\n    return a - b;\n}\n"}},
    "conf-macro": {
        "files": {
            "configure.ac": CONFIGURE.replace("AC_PROG_CC", "AC_PROG_CC\nAX_NO_SUCH_MACRO([x])")
        }
    },
    "conf-signature": {
        "files": {"cart.c": "int total(int a, int b, int c)\n{\n    return a + b + rate;\n}\n"}
    },
    "conf-rule": {"files": {"Makefile.am": AM.replace("main.c cart.c", "main.c cart.c rates.c")}},
    # git, wget, curl, gpg, tar, unzip
    "fetch-auth": {
        "words": {"@HTTP@/shop.git": "@HTTP@/private/shop.git"},
        "environ": {"GIT_TERMINAL_PROMPT": "0"},
    },
    "fetch-submodule": {"words": {"@HTTP@/shop.git": "@HTTP@/with-lost-part.git"}},
    "fetch-wget404": {"words": {"@HTTP@/stock.tar.gz &&": "@HTTP@/stock-2.tar.gz &&"}},
    "fetch-503": {"words": {"-fsSLO @HTTP@/": "-fsSLO @HTTP@/busy/"}},
    "fetch-html": {
        "words": {
            "@HTTP@/stock.tar.gz &&": "@HTTP@/login/stock.tar.gz &&",
            "gpg --no-default-keyring --keyring $PWD/key.gpg --verify stock.tar.gz.asc && ": "",
        }
    },
    "fetch-tls": {"words": {"-fsSO @HTTP@/tables": "-fsSO @HTTPS@/tables"}},
    "fetch-signature": {"words": {"@HTTP@/stock.tar.gz.asc": "@HTTP@/other/stock.tar.gz.asc"}},
    "fetch-timeout": {"words": {"-fsSO @HTTP@/tables.zip": "-fsSO -m 3 @HTTP@/hang/tables.zip"}},
    "fetch-zip": {"words": {"-fsSO @HTTP@/tables.zip": "-fsSO @HTTP@/torn/tables.zip"}},
    "fetch-disk": {"words": {"wget --progress=dot": "cd @DISK@ && wget --progress=dot"}},
    "fetch-cut": {"words": {"@HTTP@/stock.tar.gz &&": "-t 1 @HTTP@/cut/stock.tar.gz &&"}},
    # podman
    "image-copy": {"files": {"motd": None}},
    "image-base": {
        "files": {
            "Containerfile": CONTAINER.replace(
                "FROM scratch\nLABEL", "FROM 127.0.0.1:9/base:3\nLABEL"
            )
        }
    },
    "image-word": {"files": {"Containerfile": CONTAINER.replace("LABEL", "LABLE")}},
    "image-stage": {"files": {"Containerfile": CONTAINER.replace("--from=parts", "--from=pieces")}},
    "image-run": {"files": {"Containerfile": CONTAINER.replace("CMD", "RUN /srv/start\nCMD")}},
    "image-daemon": {"words": {"podman build": "docker -H unix:///run/docker-none.sock build"}},
}
