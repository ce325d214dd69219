"""What each kind of difference between contexts is called, and what ends it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from lab.caching.manifests.differences import Difference, Group, Kind
from lab.caching.manifests.model import Item
from lab.dockerfile.cachekey.sources import chosen
from lab.model import units

NAMED = 4  # paths or lines that a sentence names

_WHAT: Mapping[Kind, tuple[str, str]] = {
    "pointers": ("is a git-lfs pointer", "are git-lfs pointers"),
    "submodules": ("of a submodule is", "of submodules are"),
    "line-ends": ("has other line ends", "have other line ends"),
    "content": ("has another content", "have another content"),
    "links": ("is another link, or none", "are other links, or none"),
    "types": ("is of another type", "are of another type"),
    "extra": ("is", "are"),
    "missing": ("that git tracks is", "that git tracks are"),
    "case": ("differs in upper and lower case", "differ in upper and lower case"),
    "executable": ("may be executed", "may be executed"),
    "umask": ("has other mode bits", "have other mode bits"),
    "git": ("(git's own folder) is sent", "(git's own folder) is sent"),
    "owners": ("has another owner", "have another owner"),
    "times": ("has another time", "have another time"),
}
_ALSO_FOLDERS = frozenset({"extra", "missing", "submodules", "umask", "owners"})
_ONE_SIDED = frozenset({"pointers", "submodules", "extra", "missing", "executable"})


def what(group: Group, one: str, other: str) -> str:
    """A group in words: how many, what of them, and on which side. Sides have names."""
    count = len(group.found)
    single, several = _WHAT[group.kind]
    nouns = ("entry", "entries") if group.kind in _ALSO_FOLDERS else ("file", "files")
    counted = f"{count:,} {nouns[count != 1]}"
    if group.kind == "git":
        return "git's own folder is sent, and no two of them are alike"
    if group.kind not in _ONE_SIDED:
        return f"{counted} {single if count == 1 else several}{_pairs(group)}"
    said = f"{counted} {single if count == 1 else several}"
    sides = Counter(one if _first(group.kind, found) else other for found in group.found)
    where = " and ".join(
        f"in {name}" if len(sides) == 1 else f"{number} in {name}" for name, number in sides.items()
    )
    return f"{said} {where} alone"


def _first(kind: Kind, found: Difference) -> bool:
    """Whether it is the first side that has it so."""
    if kind == "pointers":
        return found.one is not None and found.one.pointer is not None
    if kind == "executable" and found.one is not None:
        return bool(int(found.one.mode, 8) & 0o111)
    return found.one is not None


def _pairs(group: Group) -> str:
    """The commonest pair of what is one thing here and another there."""
    pairs: Counter[str] = Counter()
    for found in group.found:
        if found.one is None or found.other is None:
            continue
        match group.kind:
            case "umask":
                pairs[f"{found.one.mode} and {found.other.mode}"] += 1
            case "line-ends":
                pairs[f"{_ends(found.one)} and {_ends(found.other)}"] += 1
            case "owners":
                one, other = found.one, found.other
                pairs[f"{one.uid}:{one.gid} and {other.uid}:{other.gid}"] += 1
            case _:
                return ""
    if not pairs:
        return ""
    (pair, times), *_ = pairs.most_common(1)
    most = "" if len(pairs) == 1 else f" in {units.counted(times, 'case')}"
    return f" ({pair}{most})"


def _ends(item: Item) -> str:
    return {"lf": "LF", "crlf": "CRLF"}.get(item.line_ends or "", str(item.line_ends))


def mend(group: Group, tracked: Collection[str] = (), copied: Collection[str] = ()) -> str:
    """What ends the difference; empty where nothing has to. ``tracked`` are the paths that git has
    on either side, ``copied`` the patterns that steps name, which no ignore file may keep back.
    """
    match group.kind:
        case "extra":
            return _extra([one.path for one in group.found], tracked, copied)
        case "umask":
            return "before the build, on both sides: chmod -R u=rwX,go=rX ."
        case "executable":
            return f"git update-index --chmod=+x {_named(group.found)} (or -x), and commit"
        case kind:
            return _MENDS.get(kind, "")


_MENDS: Mapping[Kind, str] = {
    "pointers": "git lfs pull before the build (actions/checkout: lfs: true)",
    "submodules": "git submodule update --init --recursive (actions/checkout: submodules: true)",
    "line-ends": "in .gitattributes: * text=auto eol=lf; then git add --renormalize . and commit",
    "content": "git status on both sides; if they are at two commits, lab why --between says more",
    "links": "git config core.symlinks true, and check out again",
    "types": "git status on both sides says which one is not as committed",
    "missing": "git status there: a sparse checkout, or removed; git checkout -- . brings it back",
    "case": "rename one of them: file systems that fold case cannot hold both",
    "git": "in .dockerignore: .git",
}


def _extra(paths: Sequence[str], tracked: Collection[str], copied: Collection[str]) -> str:
    """Lines of an ignore file, each as short as it can be without keeping a tracked file back."""
    named = chosen(dict.fromkeys(paths), copied)
    held = {folder for path in (*tracked, *named) for folder in _folders(path)}
    lines = Counter(
        next((folder for folder in _folders(path) if folder not in held), path)
        for path in paths
        if path not in named and path not in held
    )
    said = []
    if lines:
        shown = [line for line, _ in lines.most_common(NAMED)]
        more = f" and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
        said.append(f"in .dockerignore: {', '.join(shown)}{more}")
    if named:
        more = " …" if len(named) > NAMED else ""
        shown = [path for path in named if path not in {f for p in named for f in _folders(p)}]
        said.append(f"copied by name, so make on both sides: {', '.join(shown[:NAMED])}{more}")
    return "; ".join(said)


def _folders(path: str) -> list[str]:
    """The folders that hold a path, the outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _named(found: Sequence[Difference]) -> str:
    more = " …" if len(found) > NAMED else ""
    return " ".join(one.path for one in found[:NAMED]) + more


def paths(group: Group) -> str:
    """Some of a group's paths, files before the folders that hold them."""
    files = [one.path for one in group.found if (one.one or one.other).type != "directory"]  # type: ignore[union-attr]  # one of the two is there
    shown = files or [one.path for one in group.found]
    more = f" and {len(group.found) - NAMED:,} more" if len(group.found) > NAMED else ""
    return ", ".join(shown[:NAMED]) + more
