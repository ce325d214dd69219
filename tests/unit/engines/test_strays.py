"""Images that were finished after the lab had left: ours are told from the user's."""

from __future__ import annotations

from lab.dockerfile.parser import parse
from lab.engines.strays import Held, steps, strays

TEXT = "FROM base\nENV A=1\nRUN echo one \\\n  && echo two\nCOPY a /a\n"
BASE, FIRST, SECOND, THIRD, OTHER = ("b" * 64, "1" * 64, "2" * 64, "3" * 64, "4" * 64)
# As Podman 4.3 and 5.8 and Docker's first builder write it.
HISTORY = {
    FIRST: "/bin/sh -c #(nop) ENV A=1",
    SECOND: "|1 X=2 /bin/sh -c echo one   && echo two",
    THIRD: "/bin/sh -c #(nop) COPY file:312af0 in /a       ",
    OTHER: "/bin/sh -c echo another",
}


def held(identity: str, parent: str, *, named: bool = False) -> Held:
    return Held(id=identity, parent=parent, named=named)


CHAIN = (held(FIRST, BASE), held(SECOND, FIRST), held(THIRD, SECOND))


def found(
    images: tuple[Held, ...], before: set[str] | None = None, known: tuple[str, ...] = (BASE,)
) -> set[str]:
    return strays(images, before or {BASE}, known, steps(parse(TEXT)), HISTORY.__getitem__)


def test_what_our_steps_made_on_a_base_of_ours_is_found_to_the_end() -> None:
    assert found((held(BASE, ""), *CHAIN)) == {FIRST, SECOND, THIRD}
    assert found(CHAIN, known=(SECOND[:12],)) == {THIRD}


def test_what_may_be_the_users_is_not() -> None:
    assert found(CHAIN, known=()) == set(), "nobody says that the base was used"
    assert found(CHAIN, before={BASE, FIRST}) == set(), "it was there before"
    named = (held(FIRST, BASE), held(SECOND, FIRST, named=True), held(THIRD, SECOND))
    assert found(named) == {FIRST}
    assert found((held(OTHER, BASE),)) == set(), "no instruction of ours"
    assert found((held(OTHER, ""),)) == set()
