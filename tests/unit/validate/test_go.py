"""What the Go script prints, read back."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from lab.images.goroot import Goroot
from lab.validate import go

ROOT = Goroot(environment=None, command="/go/bin/go", by_path="/go", standard=None)


def test_what_the_script_prints_is_read_back() -> None:
    program = base64.encodebytes(bytes(range(256))).decode()
    text = "noise\nlab environment /go\nlab plain lab says hello\nlab cgo-none no C compiler\n"
    done = go.read(f"{text}lab-program\n{program}lab-end\n")
    assert done.program == bytes(range(256))
    assert done.cgo is None
    words = {name: (cell.word, cell.tone) for name, cell in done.cells(ROOT).items()}
    assert words["GOROOT"] == ("/go", "good")
    assert words["hello without cgo"] == ("runs", "good")
    assert words["hello with cgo"] == ("not tried", "none")


def test_a_goroot_at_odds_with_the_files_and_a_failed_build_are_bad() -> None:
    done = go.read("lab environment /other\nlab plain-failed undefined: x\nlab cgo lab\n")
    cells = done.cells(ROOT)
    assert (cells["GOROOT"].tone, cells["GOROOT"].why) == ("bad", "found in the image: /go")
    assert cells["hello without cgo"].why == "undefined: x"
    assert cells["hello with cgo"].tone == "bad"


@given(st.text())
def test_no_output_breaks_the_reader(text: str) -> None:
    assert go.read(text).cells(ROOT)


def test_cgo_that_a_builder_compiled_names_it() -> None:
    said = {"cgo-none": "no C compiler", "cgo": go.HELLO, "cgo-builder": "bookworm with gcc"}
    cell = go.GoRun(said=said, program=None, cgo=b"x").cells(ROOT)["hello with cgo"]
    assert (cell.word, cell.tone, cell.why) == ("runs", "good", "compiled in bookworm with gcc")
