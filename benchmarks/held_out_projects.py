"""Small projects of six tools, and what breaks or slows them: the held-out set's causes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LIB_RS = """\
pub fn total(prices: &[u32]) -> u32 {
    prices.iter().sum()
}

pub fn label(name: &str) -> String {
    format!("item {name}")
}
"""
_TESTS_RS = """\
use shop::{label, total};

#[test]
fn totals() {
    assert_eq!(total(&[1, 2, 3]), 6);
}

#[test]
fn labels() {
    assert_eq!(label("tea"), "item tea");
}
"""
_CARGO = '[package]\nname = "shop"\nversion = "0.3.0"\nedition = "2021"\n'
_CMAKE = """\
cmake_minimum_required(VERSION 3.20)
project(shop CXX)
set(CMAKE_CXX_STANDARD 17)
add_compile_options(-Wall)
add_library(cart cart.cpp price.cpp)
add_executable(shop main.cpp)
target_link_libraries(shop cart)
enable_testing()
add_executable(check check.cpp)
target_link_libraries(check cart)
add_test(NAME totals COMMAND check totals)
add_test(NAME prices COMMAND check prices)
"""
_CART_H = """\
#pragma once
#include <vector>
struct Item { virtual ~Item() = default; virtual int price() const; int cents = 0; };
int total(const std::vector<int>& prices);
"""
_CART_CPP = """\
#include "cart.h"
#include <numeric>
int total(const std::vector<int>& prices) {
    return std::accumulate(prices.begin(), prices.end(), 0);
}
"""
_PRICE_CPP = '#include "cart.h"\nint Item::price() const { return cents; }\n'
_CHECK_CPP = """\
#include "cart.h"
#include <cstring>
#include <iostream>
int main(int, char** argv) {
    int got = std::strcmp(argv[1], "totals") ? Item().price() : total({40, 2});
    int want = std::strcmp(argv[1], "totals") ? 0 : 42;
    if (got != want) { std::cerr << "sum is " << got << " and not " << want << "\\n"; return 1; }
    std::cout << "ok\\n";
}
"""
_CART_PY = "def total(prices):\n    return sum(prices)\n"
_TEST_PY = """\
import pytest
from shop.cart import total


@pytest.mark.parametrize("count", range(5))
def test_total(count):
    assert total([1] * count) == count


def test_empty():
    assert total([]) == 0
"""
_MAIN_JAVA = """\
import java.util.List;

public class Main {
    public static void main(String[] args) {
        Cart cart = new Cart(List.of(40, 2));
        System.out.println("total " + cart.total());
    }
}
"""
_CART_JAVA = """\
import java.util.List;

public class Cart {
    private final List<Integer> prices;

    public Cart(List<Integer> prices) {
        this.prices = prices;
    }

    public int total() {
        return prices.stream().mapToInt(Integer::intValue).sum();
    }
}
"""
_CART_JS = "exports.total = (prices) => prices.reduce((a, b) => a + b, 0);\n"
_TEST_JS = """\
const test = require('node:test');
const assert = require('node:assert');
const { total } = require('./cart');

test('totals', () => assert.strictEqual(total([40, 2]), 42));
test('nothing', () => assert.strictEqual(total([]), 0));
"""
_PATCH = """\
--- a/main.c
+++ b/main.c
@@ -1,4 +1,4 @@
 int main(void)
 {
-\treturn 1;
+\treturn 0;
 }
"""

PROJECTS: Mapping[str, Mapping[str, str]] = {
    "cargo": {
        "Cargo.toml": _CARGO,
        "src/lib.rs": _LIB_RS,
        "src/main.rs": 'fn main() {\n    println!("{}", shop::total(&[1, 2]));\n}\n',
        "tests/cart.rs": _TESTS_RS,
    },
    "cmake": {
        "CMakeLists.txt": _CMAKE,
        "cart.h": _CART_H,
        "cart.cpp": _CART_CPP,
        "price.cpp": _PRICE_CPP,
        "main.cpp": '#include "cart.h"\nint main() { return total({}); }\n',
        "check.cpp": _CHECK_CPP,
    },
    "pytest": {
        "shop/__init__.py": "",
        "shop/cart.py": _CART_PY,
        "tests/test_cart.py": _TEST_PY,
        "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\n',
    },
    "java": {"src/Main.java": _MAIN_JAVA, "src/Cart.java": _CART_JAVA},
    "node": {"cart.js": _CART_JS, "cart.test.js": _TEST_JS},
    "fetch": {"fix.patch": _PATCH},
}
COMMANDS: Mapping[str, str] = {
    "cargo": "cargo build --offline && cargo test --offline",
    "cmake": "cmake -S . -B build -G Ninja && ninja -C build"
    " && ctest --test-dir build --output-on-failure",
    "pytest": "python3 -m pytest -v",
    "java": "javac -verbose -d out src/*.java && java -cp out Main",
    "node": "node --version && node --test",
    "fetch": "git clone --progress -b v1.4.2 file://$PWD/upstream/shop.git tool"
    " && git -C tool describe --tags && curl -fSO file://$PWD/upstream/data.tar.gz"
    " && sha256sum -c data.sum && tar -xvzf data.tar.gz && patch -p1 < fix.patch",
}


def _rs_unused(count: int) -> str:
    return "".join(f"\npub fn part_{n}() {{\n    let spare_{n} = {n};\n}}\n" for n in range(count))


def _cpp_unused(count: int) -> str:
    return "".join(f"static int spare_{n}() {{ return {n}; }}\n" for n in range(count))


def _java_raw(count: int) -> str:
    lines = "".join(f"    java.util.List raw{n};\n" for n in range(count))
    return f"public class Spare {{\n{lines}}}\n"


def _with(text: str, old: str, new: str) -> str:
    if old not in text:
        raise ValueError(f"no {old!r}")
    return text.replace(old, new)


_FAILS = "import pytest\n\n\ndef test_more():\n"
CHANGES: Mapping[str, Mapping[str, Any]] = {
    # cargo
    "cargo-type": {"files": {"src/lib.rs": _with(_LIB_RS, 'format!("item {name}")', "name.len()")}},
    "cargo-moved": {
        "files": {
            "src/main.rs": "fn main() {\n    let a = String::new();\n    drop(a);\n"
            "    drop(a);\n}\n"
        }
    },
    "cargo-nocrate": {"files": {"Cargo.toml": _CARGO + '\n[dependencies]\nserde = "1"\n'}},
    "cargo-toml": {"files": {"Cargo.toml": _CARGO.replace("]", "")}},
    "cargo-assert": {"files": {"tests/cart.rs": _with(_TESTS_RS, "), 6", "), 7")}},
    "cargo-overflow": {
        "files": {
            "tests/cart.rs": _TESTS_RS + "\n#[test]\nfn big() {\n"
            "    assert!(total(&[u32::MAX, 1]) > 0);\n}\n"
        }
    },
    "cargo-linker": {"environ": {"RUSTFLAGS": "-C linker=nosuch-cc"}},
    "cargo-edition": {"files": {"Cargo.toml": _CARGO.replace("2021", "2042")}},
    "cargo-warnings": {"files": {"src/lib.rs": _LIB_RS + _rs_unused(40)}},
    # CMake, Ninja, CTest
    "cmake-nofind": {"files": {"CMakeLists.txt": _CMAKE + "find_package(Eigen3 REQUIRED)\n"}},
    "cmake-syntax": {"files": {"CMakeLists.txt": _CMAKE + "add_executable(more main.cpp\n"}},
    "cmake-nocompiler": {"environ": {"CXX": "nosuch-c++"}},
    "cmake-version": {"files": {"CMakeLists.txt": _CMAKE.replace("3.20", "3.99")}},
    "cmake-nosource": {"files": {"price.cpp": None}},
    "cmake-call": {
        "files": {"main.cpp": '#include "cart.h"\nint main() { return total(1, 2); }\n'}
    },
    "cmake-vtable": {"files": {"price.cpp": '#include "cart.h"\n'}},
    "cmake-static": {
        "files": {"cart.cpp": _CART_CPP + 'static_assert(sizeof(long) == 4, "32 bits only");\n'}
    },
    "cmake-ctest": {"files": {"check.cpp": _with(_CHECK_CPP, "0 : 42", "0 : 43")}},
    "cmake-segv": {
        "files": {
            "cart.cpp": _with(_CART_CPP, "    return", "    int* p = nullptr; *p = 1;\n    return")
        }
    },
    "cmake-warnings": {"files": {"cart.cpp": _CART_CPP + _cpp_unused(40)}},
    # pytest
    "pytest-import": {"files": {"shop/cart.py": "import ledger\n" + _CART_PY}},
    "pytest-assert": {"files": {"shop/cart.py": _with(_CART_PY, "sum(prices)", "len(prices) + 1")}},
    "pytest-fixture": {"files": {"tests/test_more.py": "def test_more(db):\n    assert db\n"}},
    "pytest-syntax": {"files": {"shop/cart.py": "def total(prices)\n    return 1\n"}},
    "pytest-recursion": {
        "files": {"tests/test_more.py": "def f():\n    return f()\n\n\ndef test_f():\n    f()\n"}
    },
    "pytest-socket": {
        "files": {
            "tests/test_more.py": "import urllib.request\n\n\ndef test_more():\n"
            '    urllib.request.urlopen("http://127.0.0.1:9/")\n'
        }
    },
    "pytest-file": {"files": {"tests/test_more.py": _FAILS + '    open("prices.csv")\n'}},
    "pytest-unicode": {"files": {"tests/test_more.py": _FAILS + '    b"\\xff".decode()\n'}},
    "pytest-option": {"words": {"pytest -v": "pytest -v --reruns 2"}},
    # javac and java
    "java-symbol": {"files": {"src/Main.java": _with(_MAIN_JAVA, "cart.total()", "cart.sum()")}},
    "java-release": {"words": {"javac -verbose": "javac -verbose --release 99"}},
    "java-null": {
        "files": {"src/Main.java": _with(_MAIN_JAVA, "new Cart(List.of(40, 2))", "null")}
    },
    "java-heap": {
        "files": {
            "src/Main.java": _with(
                _MAIN_JAVA,
                "        Cart cart",
                "        byte[][] all = new byte[4096][];\n"
                "        for (int n = 0; n < 4096; n++) all[n] = new byte[1 << 20];\n"
                "        Cart cart",
            )
        },
        "words": {"java -cp": "java -Xmx16m -cp"},
    },
    "java-noclass": {"words": {"-cp out Main": "-cp out Shop"}},
    "java-throws": {
        "files": {
            "src/Main.java": _with(
                _MAIN_JAVA, "        Cart cart", "        Thread.sleep(1);\n        Cart cart"
            )
        }
    },
    "java-raw": {
        "files": {"src/Spare.java": _java_raw(40)},
        "words": {"javac -verbose": "javac -verbose -Xlint:rawtypes"},
    },
    # node
    "node-module": {"files": {"cart.js": "require('./prices');\n" + _CART_JS}},
    "node-syntax": {"files": {"cart.js": "exports.total = (prices => 1;\n"}},
    "node-assert": {"files": {"cart.test.js": _with(_TEST_JS, "42)", "43)")}},
    "node-refused": {
        "files": {
            "cart.test.js": _TEST_JS + "test('asks', async () => {\n"
            "  await new Promise((_, no) => require('node:net').connect(9, '127.0.0.1')"
            ".on('error', no));\n});\n"
        }
    },
    "node-type": {"files": {"cart.js": _with(_CART_JS, "prices.reduce", "prices.list.reduce")}},
    # git, curl, tar, patch
    "fetch-branch": {"words": {"-b v1.4.2": "-b v1.5.0"}},
    "fetch-host": {
        "words": {"file://$PWD/upstream/shop.git": "https://git.example.invalid/shop.git"}
    },
    "fetch-nofile": {"words": {"upstream/data.tar.gz &&": "upstream/other.tar.gz &&"}},
    "fetch-curlhost": {"words": {"-fSO file://$PWD/upstream/": "-fSO https://dl.example.invalid/"}},
    "fetch-curlport": {"words": {"-fSO file://$PWD/upstream/": "-fSO http://127.0.0.1:9/"}},
    "fetch-sum": {"files": {"data.sum": f"{'0' * 64}  data.tar.gz\n"}},
    "fetch-patch": {"files": {"fix.patch": _PATCH.replace("return 1", "return 7")}},
    "fetch-notool": {"words": {"&& patch -p1": "&& quilt push -a"}},
}
