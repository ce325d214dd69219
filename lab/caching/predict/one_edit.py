"""A build and many edits of it, each weighed alone.

Of a change of files' contents only the steps that read those files are worked out again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from lab.caching.predict.cache_simulator import CacheSimulator, outcomes_of
from lab.caching.predict.edit_arguments import Edited
from lab.caching.predict.inputs import cache_inputs
from lab.dockerfile import dockerignore
from lab.dockerfile.cachekey import Rules, keys
from lab.dockerfile.cachekey.file_facts import Facts
from lab.dockerfile.cachekey.inputs import FileFacts, StepFacts
from lab.dockerfile.cachekey.keys import Chain, Key, of_context
from lab.dockerfile.cachekey.rules import files, parts_of
from lab.dockerfile.edits import Inputs
from lab.dockerfile.entries import Entry
from lab.model.events import Outcome


class Built:
    """What is built, under an engine's rules. ``sent`` is what a client sends of it."""

    def __init__(
        self, inputs: Inputs, rules: Rules, known: Facts, sent: Callable[[Inputs], Inputs]
    ) -> None:
        self._inputs, self._rules, self._known, self._sent = inputs, rules, known, sent
        before = cache_inputs(sent(inputs), known=known)
        self._chain = Chain(before, rules)
        reading = [one for one in self._chain.links if one.step.sources or one.step.mounts]
        self._read = {one.step.index: files(before, one.step, rules) for one in reading}
        self._digests = {one.step.index: of_context(before, one.step, rules) for one in reading}
        self._keys = self._chain.keys(lambda step: self._digests[step.index])

    def after(self, edited: Edited) -> tuple[Chain, Mapping[int, Outcome | None]]:
        """The steps of the edited build, and what would become of each, were it made next."""
        changed = self._contents(edited)
        if changed is None:
            inputs = cache_inputs(self._sent(edited.inputs), moved=edited.moved, known=self._known)
            chain, found = Chain(inputs, self._rules), keys(inputs, self._rules)
        else:
            chain, found = self._chain, self._with(changed)
        cache = CacheSimulator()
        outcomes_of(self._chain, self._keys, cache)
        return chain, outcomes_of(chain, found, cache)

    def _with(self, changed: Mapping[str, Entry]) -> dict[int, Key]:
        """The keys where files are of other contents."""
        facts = {path: self._known(entry) for path, entry in changed.items()}
        touched = {link.step.index for link in self._chain.links if self._differ(link.step, facts)}
        return self._chain.keys(
            lambda step: self._digests[step.index] + " touched" * (step.index in touched)
        )

    def _differ(self, step: StepFacts, facts: Mapping[str, FileFacts]) -> bool:
        """Whether a step's key tells these files from those that it has read."""
        read = self._read.get(step.index, {})
        new = {path: one for path, one in facts.items() if path in read}
        old = {path: read[path] for path in new}
        return parts_of(new, step, self._rules) != parts_of(old, step, self._rules)

    def _contents(self, edited: Edited) -> dict[str, Entry] | None:
        """The files that are of other contents, where nothing else of the build is another."""
        before, after = self._inputs.context.entries, edited.inputs.context.entries
        alike = replace(edited.inputs, context=self._inputs.context) == self._inputs
        if edited.moved or not alike or before.keys() != after.keys():
            return None
        changed = {path: entry for path, entry in after.items() if entry is not before[path]}
        plain = all(
            entry.kind == before[path].kind == "file"
            and path != self._inputs.dockerfile_path
            and not path.endswith(dockerignore.NAME)
            for path, entry in changed.items()
        )
        return changed if plain else None
